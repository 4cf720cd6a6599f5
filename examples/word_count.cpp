// Several processes count words into one dict of a Manager.
//
// Exercise 3 of the seed asks for processes that share a dict. modify(word, 0, fn) puts in 0 where the word is new and
// changes it, in one step, so that no count is lost and no Lock is needed. In which order the words come into the dict
// is free; they are printed by the alphabet.
#include <partage/partage.hpp>

#include <array>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

const std::array<std::string, 4> poeme = {"il pleure dans mon coeur", "comme il pleut sur la ville",
                                          "quelle est cette langueur", "qui pénètre mon coeur"};

void compter(partage::DictProxy<std::string, int> mots, const std::string& vers) {
  std::istringstream texte(vers);
  for (std::string mot; texte >> mot;) mots.modify(mot, 0, [](int& nombre) { ++nombre; });
}

int main() {
  partage::Manager manager;
  auto mots = manager.dict<std::string, int>();

  std::vector<partage::Process> processus;
  for (const std::string& vers : poeme) {
    processus.emplace_back(compter, mots, vers);
    processus.back().start();
  }
  for (partage::Process& p : processus) p.join();

  const auto items = mots.items();
  for (const auto& [mot, nombre] : std::map<std::string, int>(items.begin(), items.end())) {
    std::cout << mot << ": " << nombre << '\n';
  }
}
