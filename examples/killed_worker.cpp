// A worker is killed in the middle of its work, and the others go on.
//
// Three workers transfer money within one shared object. The second one gets SIGKILL in its 500th transfer, at the
// worst moment: it holds the object's lock, and the money has left one account and not reached the other. modify()
// works on a copy and commits it in one step, so the half transfer never happened; the lock passes on; no money is
// lost. With multiprocessing.Manager in Python the lock would stay taken for ever.
#include <partage/partage.hpp>

#include <signal.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

struct Banque {
  std::array<int, 4> comptes;
  int virements;
};

void ouvrier(partage::DictProxy<std::string, Banque> agences, std::size_t numero, int meurt_au) {
  for (int i = 1; i <= 1000; ++i) {
    agences.modify("Lyon", [&](Banque& banque) {
      banque.comptes[numero] -= 10;
      if (i == meurt_au) ::kill(::getpid(), SIGKILL);
      banque.comptes[numero + 1] += 10;
      banque.virements += 1;
    });
  }
}

int main() {
  partage::Manager manager;
  auto agences = manager.dict<std::string, Banque>({{"Lyon", {{1000, 1000, 1000, 1000}, 0}}});

  std::vector<partage::Process> ouvriers;
  for (std::size_t n = 0; n < 3; ++n) {
    ouvriers.emplace_back(partage::ProcessOptions{.name = "ouvrier " + std::to_string(n)}, ouvrier, agences, n,
                          n == 1 ? 500 : 0);
  }
  for (partage::Process& p : ouvriers) p.start();
  for (partage::Process& p : ouvriers) {
    p.join();
    std::cout << p.name() << ": code " << *p.exitcode() << '\n';
  }

  const Banque banque = agences["Lyon"];
  std::cout << "Virements: " << banque.virements << '\n';
  std::cout << "Somme: " << std::accumulate(banque.comptes.begin(), banque.comptes.end(), 0) << '\n';
}
