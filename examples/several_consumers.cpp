// One producer and three consumers over a queue, with an end mark for each of them.
//
// The original takes six items at most, its `break` stands outside of the `if`, and a consumer that has had six leaves
// its end mark in the queue, or says five. Here each goes on to its mark, so that ten values are treated and none
// remains. The items of one queue have one type: std::optional, with std::nullopt as the mark, where Python mixes
// numbers and "fin".
#include <partage/partage.hpp>

#include <iostream>
#include <optional>
#include <vector>

void ma_fonction(partage::Queue<std::optional<int>> q) {
  int i = 0;
  while (q.get()) ++i;
  std::cout << partage::current_process().name() << " a traité " << i << " valeurs\n";
}

int main() {
  partage::Queue<std::optional<int>> valeurs;
  for (int val = 1; val <= 10; ++val) valeurs.put(val);
  for (int i = 0; i < 3; ++i) valeurs.put(std::nullopt);

  std::vector<partage::Process> les_processus;
  for (int i = 0; i < 3; ++i) les_processus.emplace_back(ma_fonction, valeurs);
  for (partage::Process& p : les_processus) p.start();
  for (partage::Process& p : les_processus) p.join();

  std::cout << "Le nombre de valeurs après la fin des processus : " << valeurs.qsize() << '\n';
}
