// One process waits at a semaphore until another hands it a permit.
//
// The permit is made by one and used by the other: {.signal = true}. The scan of the original calls one function
// `process 1`, misspells `p1.join()`, and ends each function with sys.exit(0); a function that returns does the same.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>

#include "pace.hpp"

using namespace std::chrono_literals;

void process1(partage::Semaphore s) {
  std::cout << "Je suis le process 1 et j'attends 15 secondes" << std::endl;
  slow_down(15s);
  std::cout << "Je suis le process 1 et je génère un jeton [V(s)]" << std::endl;
  s.release();
}

void process2(partage::Semaphore s) {
  std::cout << "Je suis le process 2 et je me bloque sur le sémaphore : [P(s)]" << std::endl;
  s.acquire();
  std::cout << "Je suis le process 2 et je suis DEBLOQUE" << std::endl;
}

int main() {
  partage::Semaphore sem(0, {.signal = true});
  partage::Process p1(process1, sem);
  partage::Process p2(process2, sem);
  p1.start();
  p2.start();
  p1.join();
  p2.join();
}
