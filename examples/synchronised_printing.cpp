// Ten processes print under one Lock, so that no line comes into another.
//
// Each line is written in two pieces, which makes the Lock necessary; the output must leave the process, by std::endl
// or std::flush, before the Lock does. The file the seed includes is absent; this is the program its text describes.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

void f(partage::Lock verrou, int i) {
  std::scoped_lock garde(verrou);
  std::cout << "hello world " << std::flush;
  slow_down(100ms);
  std::cout << i << std::endl;
}

int main() {
  partage::Lock verrou;

  std::vector<partage::Process> processus;
  for (int num = 0; num < 10; ++num) {
    processus.emplace_back(f, verrou, num);
    processus.back().start();
  }
  for (partage::Process& p : processus) p.join();
}
