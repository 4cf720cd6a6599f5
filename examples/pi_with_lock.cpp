// An estimate of pi by ten threads that share a count under a Lock.
//
// The original counts a point as done only when it is a hit, because `i -= 1` stands inside the `if`: every thread
// makes n hits, however many points that takes, and pi comes out as 4. Each point counts here. Each thread has a
// generator of its own with a fixed start, so the result is always the same, unless a count is lost.
#include <partage/partage.hpp>

#include <cmath>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

int inpoint = 0;  // Variable partagée

double au_hasard(std::mt19937& generateur) {
  return -1 + 2 * static_cast<double>(generateur()) / std::mt19937::max();
}

void countpi(int n, partage::Lock lock, unsigned numero) {
  std::mt19937 generateur(numero);
  for (int i = n; i > 0; --i) {
    const double x = au_hasard(generateur);
    const double y = au_hasard(generateur);
    if (x * x + y * y < 1) {
      std::scoped_lock garde(lock);  // protection de la variable
      inpoint += 1;
    }
  }
}

int main() {
  const int n = 2000;
  const unsigned NB_THREAD = 10;
  partage::Lock lock;

  std::vector<std::thread> threads;
  for (unsigned i = 0; i < NB_THREAD; ++i) threads.emplace_back(countpi, n, lock, i);
  for (std::thread& thread : threads) thread.join();

  std::cout << "Estimation of pi : " << std::round(4.0 * inpoint / (n * NB_THREAD) * 1e5) / 1e5 << '\n';
}
