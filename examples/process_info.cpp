// A process tells its name, its parent and itself.
//
// The file the seed includes is absent; this is the program its text describes. A C++ program has no modules to name,
// so the name of the program stands in their place.
#include <partage/partage.hpp>

#include <errno.h>
#include <unistd.h>

#include <iostream>
#include <string>

void info(const std::string& titre) {
  std::cout << titre << '\n'
            << "  nom du module : " << program_invocation_short_name << '\n'
            << "  processus parent : " << ::getppid() << '\n'
            << "  numéro du processus : " << ::getpid() << '\n';
}

void f(const std::string& nom) {
  info("fonction f");
  std::cout << "hello " << nom << '\n';
}

int main() {
  info("main");
  partage::Process p(f, "bob");
  p.start();
  p.join();
}
