// A Value and an Array, written by a child and read by the parent.
//
// Both live in shared memory without a Manager. Their types are C++ types in place of the letters 'd' and 'i'. The file
// the seed includes is absent; this is the program its text describes.
#include <partage/partage.hpp>

#include <iostream>
#include <numeric>
#include <vector>

void f(partage::Value<double> n, partage::Array<int> a) {
  n = 3.1415927;
  for (std::ptrdiff_t i = 0; i < std::ssize(a); ++i) a[i] = -a[i];
}

int main() {
  std::vector<int> chiffres(10);
  std::iota(chiffres.begin(), chiffres.end(), 0);
  partage::Value<double> num(0.0);
  partage::Array<int> arr(chiffres);

  partage::Process p(f, num, arr);
  p.start();
  p.join();

  std::cout.precision(8);
  std::cout << num << '\n' << arr << '\n';
}
