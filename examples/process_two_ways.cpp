// A process from a class derived from Process, and one from a function.
//
// Both print the Fibonacci numbers. The original's class is never started, its function has a `self` and uses a
// `number` that nobody gives it, and the Process is made with another function.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>

#include "pace.hpp"

using namespace std::chrono_literals;

void fibonacci(int number) {
  long a = 0, b = 1;
  std::cout << "[0, 1";
  for (int i = 0; i < number; ++i) {
    const long next = a + b;
    a = b;
    b = next;
    std::cout << ", " << b;
  }
  std::cout << "]\n";
}

class F : public partage::Process {
 public:
  explicit F(int number) : number_(number) {}
  void run() override {
    fibonacci(number_);
    slow_down(8s);
  }

 private:
  int number_;
};

int main() {
  const int index = 5;

  F objet(index);
  objet.start();
  objet.join();

  partage::Process fonction(fibonacci, index);
  fonction.start();
  fonction.join();
}
