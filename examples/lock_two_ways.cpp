// A Lock taken by a guard, and by hand.
//
// std::scoped_lock is Python's `with`: it gives the Lock back on every way out. Taken by hand, it wants a release() on
// each of them, Python's `finally`. The first process may come second, so the order of the lines is free.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <mutex>

#include "pace.hpp"

using namespace std::chrono_literals;

void process1(partage::Lock verrou) {
  std::scoped_lock garde(verrou);
  slow_down(2s);
  std::cout << "Jeton pris par l'instruction " << std::flush << "with" << std::endl;
}

void process2(partage::Lock verrou) {
  verrou.acquire();
  try {
    std::cout << "Jeton pris " << std::flush << "directement" << std::endl;
  } catch (...) {
    verrou.release();
    throw;
  }
  verrou.release();
}

int main() {
  partage::Lock verrou;
  partage::Process p1(process1, verrou);
  partage::Process p2(process2, verrou);
  p1.start();
  p2.start();
  p1.join();
  p2.join();
  std::cout << "Verrou libre: " << std::boolalpha << !verrou.locked() << '\n';
}
