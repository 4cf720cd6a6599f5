// A producer and a consumer over a queue, with a timeout and a mark for the end.
//
// Python sends None as the end mark; the items of this queue are std::optional, and std::nullopt is the mark. The
// original's bare `except:` takes every error for the end; here only Empty, no item for five seconds, is.
#include <partage/partage.hpp>

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include "pace.hpp"

using namespace std::chrono_literals;
using File = partage::Queue<std::optional<std::string>>;

void producteur(File file, int nb_items) {
  const std::string moi = "[Producteur PID:" + std::to_string(::getpid()) + "] ";
  std::cout << moi << "Démarrage" << std::endl;
  for (int i = 0; i < nb_items; ++i) {
    const std::string item = "Item-" + std::to_string(i);
    file.put(item);
    std::cout << moi << "Envoyé: " << item << std::endl;
    slow_down(300ms);
  }
  file.put(std::nullopt);  // Signal de fin
  std::cout << moi << "Production terminée" << std::endl;
}

void consommateur(File file, const std::string& nom) {
  const std::string moi = "[" + nom + " PID:" + std::to_string(::getpid()) + "] ";
  std::cout << moi << "Démarrage" << std::endl;
  try {
    while (const std::optional<std::string> item = file.get(5s)) {
      std::cout << moi << "Reçu: " << *item << std::endl;
      slow_down(200ms);
    }
    std::cout << moi << "Signal de fin reçu" << std::endl;
  } catch (const partage::Empty&) {
    std::cout << moi << "Rien depuis 5 secondes" << std::endl;
  }
  std::cout << moi << "Consommation terminée" << std::endl;
}

int main() {
  std::cout << "=== Communication inter-processus avec Queue ===\n\n";

  File file;
  partage::Process p(producteur, file, 5);
  partage::Process c(consommateur, file, "Consommateur");
  p.start();
  c.start();
  p.join();
  c.join();

  std::cout << "\n✓ Tous les processus sont terminés\n";
}
