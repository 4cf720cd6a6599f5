// Counting prime numbers, first by one process, then by a Pool with a worker for each processor.
//
// What is gained depends on the processors: two of them nearly double the speed. The parts take a progress callback,
// which writes to the standard error. The seed's text wants 100 000 random numbers and its program takes the range from
// 100 000 to 300 000, which can be checked; it cuts it into four parts, of which the last is the most work, and into five
// when the list does not divide by four: more and smaller parts are shared out better. C++ counts them in 10 ms, so they
// are counted 100 times over, unless PARTAGE_EXAMPLE_SPEED says otherwise.
#include <partage/partage.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

bool is_prime(int n) {
  if (n < 2) return false;
  if (n == 2) return true;
  if (n % 2 == 0) return false;
  for (int i = 3; i * i <= n; i += 2) {
    if (n % i == 0) return false;
  }
  return true;
}

int rounds() {
  const char* const speed = std::getenv("PARTAGE_EXAMPLE_SPEED");
  return std::max(1, speed == nullptr ? 100 : 100 / std::max(1, std::atoi(speed)));
}

long count_primes_in_chunk(const std::vector<int>& chunk) {
  long found = 0;
  for (int i = 0; i < rounds(); ++i) found = std::ranges::count_if(chunk, is_prime);
  return found;
}

double secondes(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int main() {
  std::vector<int> data(200'000);
  std::iota(data.begin(), data.end(), 100'000);
  std::cout << std::fixed << std::setprecision(2);

  // --- SÉQUENTIEL ---
  auto start = std::chrono::steady_clock::now();
  const long res_seq = count_primes_in_chunk(data);
  const double sequentiel = secondes(start);
  std::cout << "Séquentiel : " << sequentiel << "s (Trouvé: " << res_seq << ")\n";

  // --- PARALLÈLE ---
  start = std::chrono::steady_clock::now();
  const int workers = partage::cpu_count();
  const std::size_t parts = 8 * static_cast<std::size_t>(workers);
  std::vector<std::vector<int>> chunks;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto at = [&](std::size_t part) { return data.begin() + static_cast<long>(data.size() * part / parts); };
    chunks.emplace_back(at(i), at(i + 1));
  }
  partage::Pool pool(workers);
  pool.on_progress([](std::size_t done, std::size_t total) {
    std::cerr << '\r' << std::string(30 * done / total, '#') << ' ' << done << '/' << total
              << (done == total ? "\n" : "");
  });
  const std::vector<long> results = pool.map(count_primes_in_chunk, chunks, 1);
  const long total = std::accumulate(results.begin(), results.end(), 0L);
  const double parallele = secondes(start);
  std::cout << "Parallèle : " << parallele << "s (Trouvé: " << total << ")\n";
  std::cout << "Gain : " << sequentiel / parallele << " fois\n";
}
