// A process waits under a Condition until there is enough in the store.
//
// The seed names Condition among its aims and has no program for it. The storekeeper sends three parcels at a time; the
// workshop brings them one by one and notifies. wait_for() gives the lock back while it sleeps, and looks again after
// each notification. The Condition has its own lock, and std::scoped_lock takes it.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <string>

#include "pace.hpp"

using namespace std::chrono_literals;

void atelier(partage::Condition condition, partage::ListProxy<std::string> magasin) {
  for (int i = 1; i <= 6; ++i) {
    slow_down(200ms);  // Fabriquer un colis
    std::scoped_lock garde(condition);
    magasin.append("colis " + std::to_string(i));
    condition.notify();
  }
}

void magasinier(partage::Condition condition, partage::ListProxy<std::string> magasin) {
  for (int camion = 1; camion <= 2; ++camion) {
    std::scoped_lock garde(condition);
    condition.wait_for([&] { return magasin.size() >= 3; });
    std::cout << "Camion " << camion << ':';
    for (int i = 0; i < 3; ++i) std::cout << ' ' << magasin.pop(0);
    std::cout << '\n';
  }
}

int main() {
  partage::Manager manager;
  auto condition = manager.Condition();
  auto magasin = manager.list<std::string>();

  partage::Process m(magasinier, condition, magasin);
  partage::Process a(atelier, condition, magasin);
  m.start();
  a.start();
  a.join();
  m.join();
  std::cout << "Reste: " << magasin << '\n';
}
