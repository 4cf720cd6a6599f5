// A list and a dict of a Manager, changed by another process.
//
// They are made and used as in Python. The worker gets copies of the two handles, and what they refer to is shared. The
// original takes a Lock for the two changes; each of them is one atomic step by itself, so with a single worker nothing
// is left for a Lock to do.
#include <partage/partage.hpp>

#include <iostream>
#include <string>

void worker(partage::ListProxy<int> liste, partage::DictProxy<std::string, std::string> dico) {
  liste.append(4);                           // Ajouter un élément
  dico["nouvelle_cle"] = "nouvelle_valeur";  // Modifier le dictionnaire
}

int main() {
  partage::Manager manager;
  auto liste_partagee = manager.list<int>({1, 2, 3});
  auto dict_partage = manager.dict<std::string, std::string>({{"cle", "valeur"}});

  partage::Process p(worker, liste_partagee, dict_partage);
  p.start();
  p.join();

  std::cout << liste_partagee << '\n' << dict_partage << '\n';
}
