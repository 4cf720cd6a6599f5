// Ten processes add 100 each to one Value: 1000.
//
// The original passes a Lock along and holds it for each `counter.value += 1`, which is a read and a write in Python.
// Here `counter += 1` is ONE atomic step; nothing is left for a Lock to do. unprotected_counter.cpp shows what happens
// to the two steps.
#include <partage/partage.hpp>

#include <iostream>
#include <vector>

void increment(partage::Value<int> counter) {
  for (int i = 0; i < 100; ++i) counter += 1;
}

int main() {
  partage::Value<int> shared_counter(0);

  std::vector<partage::Process> processes;
  for (int i = 0; i < 10; ++i) {
    processes.emplace_back(increment, shared_counter);
    processes.back().start();
  }
  for (partage::Process& p : processes) p.join();

  std::cout << "Valeur finale du compteur partagé : " << shared_counter << '\n';
}
