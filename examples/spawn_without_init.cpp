// A spawned child of a program whose main does not begin with partage::init().
//
// A spawned child is the program started anew. In Python a program without `if __name__ == "__main__"` then starts
// children from its children without end. Here such a child never comes to main a second time: the parent gets a
// ProcessError that says what is missing. A program that only forks needs no partage::init().
#include <partage/partage.hpp>

#include <iostream>

void ouvrier() {
  std::cout << "L'ouvrier travaille" << std::endl;
}
PARTAGE_FUNCTION(ouvrier);

int main() {  // no argc and argv, and no partage::init(argc, argv)
  std::cout << "Début de main" << std::endl;

  partage::Process p(partage::ProcessOptions{.start_method = partage::StartMethod::spawn}, ouvrier);
  try {
    p.start();
    p.join();
    std::cout << "Code de l'ouvrier: " << *p.exitcode() << '\n';
  } catch (const partage::ProcessError& error) {
    std::cout << "ProcessError\n";
    std::cerr << error.what() << '\n';
  }

  partage::Process q(partage::ProcessOptions{.start_method = partage::StartMethod::fork}, ouvrier);
  q.start();
  q.join();
}
