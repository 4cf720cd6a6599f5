// A signal to a child, whose handler ends it.
//
// The original's handler runs in the child, where the variable for the child's pid still is 0, and kill(0, SIGKILL)
// ends the whole process group, the parent and the shell's job included; the child is meant, and ends itself. The
// original also sleeps five seconds before it signals and hopes that the handler is in place by then; here the parent
// waits for five calls of the child, which come after. A handler of C++ may do little: write() is allowed, std::cout is
// not.
#include <partage/partage.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <string_view>

#include "pace.hpp"

using namespace std::chrono_literals;

void handler(int) {
  constexpr std::string_view texte = "Die son\n";
  if (::write(STDOUT_FILENO, texte.data(), texte.size()) < 0) ::_exit(1);
  ::kill(::getpid(), SIGKILL);
}

void child(partage::Semaphore appels) {
  ::signal(SIGUSR1, handler);  // Exécuter handler quand SIGUSR1 est émis
  for (;;) {
    std::cout << "Hey !" << std::endl;
    appels.release();
    slow_down(1s);
  }
}

int main() {
  partage::Semaphore appels(0, {.signal = true});
  partage::Process p(child, appels);
  p.start();
  for (int i = 0; i < 5; ++i) appels.acquire();
  ::kill(p.pid(), SIGUSR1);  // Émettre SIGUSR1
  p.join();
  std::cout << "Code du fils: " << *p.exitcode() << '\n';
}
