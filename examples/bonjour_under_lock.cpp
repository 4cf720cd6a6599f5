// Ten processes under one Lock: each says its twenty "Bonjour" in one go.
//
// The scan of the original takes the lock as `l` and releases `L`, counts in the parameter that should tell the
// processes apart, and joins nobody. What is printed must leave the process before the Lock does: std::flush.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

void fonc(partage::Lock verrou, int num) {
  verrou.acquire();
  for (int i = 0; i < 20; ++i) {
    std::cout << "Bonjour " << i << " du processus " << num << std::endl;
    slow_down(10ms);
  }
  verrou.release();
}

int main() {
  partage::Lock verrou;

  std::vector<partage::Process> processus;
  for (int num = 0; num < 10; ++num) {
    processus.emplace_back(fonc, verrou, num);
    processus.back().start();
  }
  for (partage::Process& p : processus) p.join();
}
