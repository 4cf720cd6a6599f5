// Five processes, and each doubles one number.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <vector>

void doubler(int nombre) {
  const int resultat = nombre * 2;
  std::cout << nombre << " doublé en " << resultat << " par le processus : " << ::getpid() << '\n';
}

int main() {
  std::vector<partage::Process> processus;
  for (const int n : {5, 10, 15, 20, 25}) {
    processus.emplace_back(doubler, n);
    processus.back().start();
  }
  for (partage::Process& p : processus) p.join();
}
