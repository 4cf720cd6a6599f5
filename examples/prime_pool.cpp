// The same question to a Pool in four ways: map, map_async, imap, apply_async.
//
// The original says that 25 is prime, because its loop ends before the square root (`i*i < n`), that 1 is, and prints
// the result objects of apply_async instead of what they hold. Its random numbers are fixed here, and 25 is among them.
#include <partage/partage.hpp>

#include <iostream>
#include <string>
#include <vector>

bool is_prime(int n) {
  std::cout << partage::current_process().name() + "\n" << std::flush;
  if (n <= 3) return n > 1;
  if (n % 2 == 0 || n % 3 == 0) return false;
  for (int i = 5; i * i <= n; i += 6) {
    if (n % i == 0 || n % (i + 2) == 0) return false;
  }
  return true;
}

template <class Results>
void afficher(const std::string& methode, Results&& results) {
  std::string ligne = methode + ':';
  for (const bool x : results) ligne += x ? " True" : " False";
  std::cout << ligne << std::endl;
}

int main() {
  const std::vector<int> numbers{25, 1, 2, 7919, 7921, 104'729, 524'287, 561, 999'983, 1'000'000};
  partage::Pool pool(4);

  afficher("map", pool.map(is_prime, numbers));                    // Synchronous map
  afficher("map_async", pool.map_async(is_prime, numbers).get());  // Asynchronous map
  afficher("imap", pool.imap(is_prime, numbers));                  // Lazy map

  std::vector<partage::AsyncResult<bool>> results;  // Asynchronous call in one process
  for (const int n : numbers) results.push_back(pool.apply_async(is_prime, n));
  std::vector<bool> valeurs;
  for (const auto& r : results) valeurs.push_back(r.get());
  afficher("apply_async", valeurs);
}
