// A producer puts numbers into a queue, and a consumer doubles them until it meets -1.
//
// The original compares the mark with `is`, which asks for the same object and not for the same number, looks at it
// only after it has doubled it as well, and closes the queue while the producer may still be at work. Here close() is
// for everybody and would refuse what comes later; no process needs it to end.
#include <partage/partage.hpp>

#include <iostream>
#include <vector>

constexpr int fin = -1;

void producteur(const std::vector<int>& donnees, partage::Queue<int> q) {
  std::cout << "Production des données et dépôt dans la file q\n";
  for (const int val : donnees) q.put(val);
}

void consommateur(partage::Queue<int> q) {
  for (int v = q.get(); v != fin; v = q.get()) {
    std::cout << "Donnée lue = " << v << '\n';
    const int resultat = v * 2;
    std::cout << "Résultat = " << resultat << '\n';
  }
}

int main() {
  partage::Queue<int> q;
  const std::vector<int> valeurs{5, 10, 13, fin};
  partage::Process process_prod(producteur, valeurs, q);
  partage::Process process_conso(consommateur, q);
  process_prod.start();
  process_prod.join();
  process_conso.start();
  process_conso.join();
}
