#include "tests/bench/interrupt.hpp"

#include <signal.h>

#include <initializer_list>

namespace bench {
namespace {

volatile sig_atomic_t interrupted = 0;

void note(int) {
  interrupted = 1;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a peer that died is an error of a write
}

void throw_if_interrupted() {
  if (interrupted != 0) throw Interrupted();
}

}  // namespace bench
