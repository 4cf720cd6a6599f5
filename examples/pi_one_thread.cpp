// An estimate of pi by one thread.
//
// Shared objects serve threads as well as processes: with partage::Process in place of std::thread this program gives
// the same result, while the global variable of the original would stay 0 in the parent. Random numbers come from a
// generator with a fixed start, so that the result can be checked.
#include <partage/partage.hpp>

#include <cmath>
#include <iostream>
#include <random>
#include <thread>

double au_hasard(std::mt19937& generateur) {
  return -1 + 2 * static_cast<double>(generateur()) / std::mt19937::max();
}

void countpi(int n, partage::Value<int> inpoint) {
  std::mt19937 generateur(2024);
  for (int i = n; i > 0; --i) {
    const double x = au_hasard(generateur);
    const double y = au_hasard(generateur);
    if (x * x + y * y < 1) inpoint += 1;
  }
}

int main() {
  const int n = 2000;
  partage::Value<int> inpoint(0);
  std::thread threadpi(countpi, n, inpoint);
  threadpi.join();
  std::cout << "Estimation of pi : " << std::round(4.0 * inpoint / n * 1e5) / 1e5 << '\n';
}
