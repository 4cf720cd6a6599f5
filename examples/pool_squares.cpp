// A Pool of processes, which share out the elements of a list.
//
// Pool() has one worker for each processor, as in Python. The results come back in the order of the numbers; which
// worker had which is free.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

std::string square(int x) {
  // Affiche l'ID du processus système (PID) pour prouver le parallélisme
  return "Input: " + std::to_string(x) + ", Carré: " + std::to_string(x * x) + ", PID: " + std::to_string(::getpid());
}

int main() {
  partage::Pool pool(partage::cpu_count());
  const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8};

  // Distribue le travail et rassemble les résultats (comme le map() classique)
  for (const std::string& res : pool.map(square, numbers)) std::cout << res << '\n';
}
