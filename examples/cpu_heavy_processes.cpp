// Two processes that calculate at the same time.
//
// The program that starts processes needs no `if __name__ == "__main__"`: a forked child goes on with its function and
// never comes to main. The sum is above what 64 bits hold; Python's integers grow by themselves, here the type says so.
#include <partage/partage.hpp>

#include <boost/multiprecision/cpp_int.hpp>
#include <iostream>
#include <string>

void cpu_heavy_task(const std::string& name) {
  std::cout << "🔥 Processus " << name << " démarre sur le CPU" << std::endl;
  boost::multiprecision::uint128_t result = 0;  // Simulation de calcul intensif
  for (unsigned long long i = 0; i < 10'000'000; ++i) result += i * i;
  std::cout << "✅ Processus " << name << " terminé. Résultat: " << result << std::endl;
}

int main() {
  partage::Process p1(cpu_heavy_task, "A");
  partage::Process p2(cpu_heavy_task, "B");
  p1.start();
  p2.start();

  p1.join();
  p2.join();
  std::cout << "🏁 Tout est fini\n";
}
