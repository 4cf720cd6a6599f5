// Two queues: four processes take a value from one and put it, with their pid added, into the other.
//
// The seed adds pids to multiples of 10000 (100000, says its text) to tell who took which value, when pids had five
// digits. Today they have up to seven, so the values are multiples of ten millions. put() stores at once, so that
// joining before reading, which may wait for ever in Python, is right here.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <vector>

constexpr long BASE = 10'000'000;

void add_pid(partage::Queue<long> queue_in, partage::Queue<long> queue_out) {
  const long num = ::getpid();
  const long val = queue_in.get();
  queue_out.put(num + val);
}

int main() {
  partage::Queue<long> queue0, queue1;
  for (long k = 0; k < 4; ++k) queue0.put(k * BASE);

  std::vector<partage::Process> processes;
  for (int i = 0; i < 4; ++i) {
    processes.emplace_back(add_pid, queue0, queue1);
    processes.back().start();
  }
  for (partage::Process& p : processes) {
    p.join();
    std::cout << "Processus " << p.pid() << '\n';
  }

  for (std::size_t i = 0; i < processes.size(); ++i) {
    const long resultat = queue1.get();
    std::cout << "Valeur " << resultat / BASE << " par " << resultat % BASE << '\n';
  }
}
