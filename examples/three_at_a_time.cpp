// A semaphore lets three of ten processes work at a time, and a shared count shows how many do.
//
// The scan of the original changes `val_value` and prints `running.value`; one count is meant. The Lock keeps the
// change and its line together, so that the lines tell the count in order.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <random>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

void semaphore_fonc(partage::Semaphore sema, partage::Lock mutex, partage::Value<int> val) {
  std::scoped_lock place(sema);
  {
    std::scoped_lock garde(mutex);
    val += 1;
    std::cout << val << " tâches en exécution en parallèle" << std::endl;
  }
  std::random_device hasard;
  slow_down(std::uniform_real_distribution<double>(0, 2)(hasard) * 1s);
  std::scoped_lock garde(mutex);
  val -= 1;
  std::cout << "Fin du processus " << partage::current_process().name() << std::endl;
}

int main() {
  partage::Semaphore s(3);
  partage::Lock mutex;
  partage::Value<int> v(0);

  std::vector<partage::Process> processes;
  for (int i = 0; i < 10; ++i) processes.emplace_back(semaphore_fonc, s, mutex, v);
  for (partage::Process& p : processes) p.start();
  for (partage::Process& p : processes) p.join();

  std::cout << "À la fin: " << v << " tâches, " << s.get_value() << " places\n";
}
