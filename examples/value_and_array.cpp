// A Value and an Array in shared memory, changed by six processes under one Lock.
//
// The processes of the counter and of the array differ in what they need the Lock for: `compteur += 1` is one atomic
// step by itself, the two steps of modifier_array, read and write, are not.
#include <partage/partage.hpp>

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

std::string moi(const std::string& nom) {
  return "[" + nom + " PID:" + std::to_string(::getpid()) + "] ";
}

void incrementer_compteur(partage::Value<int> compteur, partage::Lock verrou, const std::string& nom) {
  std::cout << moi(nom) << "Démarrage" << std::endl;
  for (int i = 0; i < 5; ++i) {
    int valeur_actuelle;
    {
      std::scoped_lock garde(verrou);  // Protéger l'accès
      compteur += 1;
      valeur_actuelle = compteur;
    }
    std::cout << moi(nom) << "Compteur: " << valeur_actuelle << std::endl;
    slow_down(100ms);
  }
}

void modifier_array(partage::Array<int> array, partage::Lock verrou, const std::string& nom, int index) {
  std::cout << moi(nom) << "Démarrage" << std::endl;
  for (int i = 0; i < 3; ++i) {
    int ancienne, nouvelle;
    {
      std::scoped_lock garde(verrou);
      ancienne = array[index];
      array[index] = ancienne + 10;
      nouvelle = array[index];
    }
    std::cout << moi(nom) << "Array[" << index << "]: " << ancienne << " -> " << nouvelle << std::endl;
    slow_down(200ms);
  }
}

int main() {
  std::cout << "=== Mémoire partagée avec Value et Array ===\n\n";

  partage::Value<int> compteur(0);
  partage::Array<int> array{0, 0, 0, 0, 0};
  partage::Lock verrou;
  std::cout << "Compteur initial: " << compteur << '\n';
  std::cout << "Array initial: " << array << "\n\n";

  std::vector<partage::Process> processus;
  for (int i = 0; i < 3; ++i) {
    processus.emplace_back(incrementer_compteur, compteur, verrou, "P-C" + std::to_string(i));
    processus.emplace_back(modifier_array, array, verrou, "P-A" + std::to_string(i), i);
  }
  for (partage::Process& p : processus) p.start();
  for (partage::Process& p : processus) p.join();

  std::cout << "\nCompteur final: " << compteur << '\n';
  std::cout << "Array final: " << array << '\n';
  std::cout << "\n✓ Tous les processus sont terminés\n";
}
