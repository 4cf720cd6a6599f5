// A Pool of three processes doubles numbers.
//
// The output shown in the original says "traitement de 5" for each number; here each is named.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

int doubler(int nombre) {
  std::cout << "Processus " << ::getpid() << " - traitement de " << nombre << std::endl;
  return nombre * 2;
}

int main() {
  const std::vector<int> nombres{5, 10, 20, 4, 8, 15};
  partage::Pool pool(3);
  const std::vector<int> r = pool.map(doubler, nombres);

  std::cout << "RESULTAT = [";
  for (std::size_t i = 0; i < r.size(); ++i) std::cout << (i == 0 ? "" : ", ") << r[i];
  std::cout << "]\n";
}
