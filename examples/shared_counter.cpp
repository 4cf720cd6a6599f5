// A counter that three processes share through a Manager.
//
// In Python `compteur['valeur'] += 1` is two steps, a read and a write, and another process may come between them, so
// the original holds a Lock around it. Here a compound assignment to an element is ONE atomic step: no increment is
// lost, and the value it gives back is this process' own, so that each number is printed once. The lines may come in
// any order.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

void incrementer(partage::DictProxy<std::string, int> compteur, const std::string& nom) {
  for (int i = 0; i < 5; ++i) {
    const int valeur = compteur["valeur"] += 1;
    std::cout << "[" + nom + "] Compteur: " + std::to_string(valeur) + "\n";
    slow_down(100ms);
  }
}

int main() {
  partage::Manager manager;
  auto compteur = manager.dict<std::string, int>({{"valeur", 0}});

  std::vector<partage::Process> processus;
  for (int i = 0; i < 3; ++i) {
    processus.emplace_back(incrementer, compteur, "P" + std::to_string(i));
    processus.back().start();
  }
  for (partage::Process& p : processus) p.join();

  std::cout << "\nValeur finale: " << compteur["valeur"] << '\n';
}
