// An object goes through a queue, and does its work in the process that gets it.
//
// A struct of plain fields needs nothing to travel: they are described one by one. The scan of the original has three
// underscores around `init`, which Python would not call, a blank in `current process`, and 41RC for 4IRC.
#include <partage/partage.hpp>

#include <iostream>
#include <string>

struct MaClasse {
  std::string nom;

  void travailler() const {
    const std::string nom_processus = partage::current_process().name();
    std::cout << "Travail fait par " << nom_processus << " - " << nom << "!\n";
  }
};

void un_processus(partage::Queue<MaClasse> q) {
  const MaClasse objet = q.get();
  objet.travailler();
}

int main() {
  partage::Queue<MaClasse> queue;
  partage::Process p(un_processus, queue);
  p.start();
  queue.put(MaClasse{"un 4IRC"});
  queue.close();
  p.join();
}
