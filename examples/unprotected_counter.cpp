// A counter that loses updates, beside one that does not.
//
// To read and to write are two steps, and what another process has written in between is lost, as with `+=` on a Value
// in Python. `exact += 1` is ONE atomic step. How many updates are lost depends on the moment; most are, since the
// pause of the original stands between the two steps here.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

void ma_fonc(partage::Value<int> perdant, partage::Value<int> exact) {
  for (int i = 0; i < 50; ++i) {
    const int lu = perdant;
    slow_down(10ms);
    perdant = lu + 1;
    exact += 1;
  }
}

int main() {
  partage::Value<int> perdant(0), exact(0);

  std::vector<partage::Process> processus;
  for (int i = 0; i < 10; ++i) processus.emplace_back(ma_fonc, perdant, exact);
  for (partage::Process& p : processus) p.start();
  for (partage::Process& p : processus) p.join();

  std::cout << "Lire, puis écrire: " << perdant << ", au plus 500: " << std::boolalpha << (perdant <= 500) << '\n';
  std::cout << "En une étape: " << exact << '\n';
}
