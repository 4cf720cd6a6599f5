#include <partage/partage.hpp>
#include <iostream>

int main() {
  partage::Manager manager;                                       // starts a manager process
  auto numbers = manager.list<int>({1, 2, 3});
  auto counter = manager.dict<std::string, int>({{"valeur", 0}});

  partage::Process worker([=] {                                   // proxies travel by copy
    numbers.append(4);
    counter["valeur"] += 1;                                       // one atomic step, no Lock needed
  });
  worker.start();
  worker.join();
  std::cout << numbers << ' ' << counter << '\n';                 // [1, 2, 3, 4] {'valeur': 1}
}
