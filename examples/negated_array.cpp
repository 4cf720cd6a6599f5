// A Value and an Array of a Manager, changed in single steps.
//
// The same task as shared_memory.cpp. `tab[i] *= -1` is ONE atomic step, where `T[i] = -T[i]` is a read and a write;
// with several processes that would make a difference. The scan of the original shows its results twice.
#include <partage/partage.hpp>

#include <iostream>

void ma_fonction(partage::Value<double> n, partage::Array<int> tab) {
  n = 3.1415927;
  for (std::ptrdiff_t i = 0; i < std::ssize(tab); ++i) tab[i] *= -1;
}

int main() {
  partage::Manager manager;
  auto n = manager.Value<double>(0.0);
  auto tab = manager.Array<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});

  partage::Process p(ma_fonction, n, tab);
  p.start();
  p.join();

  std::cout.precision(8);
  std::cout << n << '\n' << tab << '\n';
}
