// The Fibonacci numbers, written by a child into an Array, with a flag where they stop.
//
// An Array has a fixed size, so the parent needs the -1 to know how many numbers there are; fibonacci_list.cpp needs no
// such flag. The original does not say what MEMORY_SIZE is, and writes past the end when there are more numbers than
// room; here they stop at the end.
#include <partage/partage.hpp>

#include <iostream>

constexpr int MEMORY_SIZE = 10;

void f_array(int number, partage::Array<long> mem) {
  mem[0] = 0;
  long a = 0, b = 1;
  int i = 0;
  for (; i < number && i + 1 < MEMORY_SIZE; ++i) {
    const long next = a + b;
    a = b;
    b = next;
    mem[i + 1] = a;
  }
  if (i + 1 < MEMORY_SIZE) mem[i + 1] = -1;  // stop flag
}

int main() {
  for (const int index : {5, 20}) {
    partage::Array<long> shared_memory(MEMORY_SIZE);
    partage::Process p(f_array, index, shared_memory);
    p.start();
    p.join();
    for (const long x : shared_memory) {
      if (x == -1) break;
      std::cout << x << ' ';
    }
    std::cout << '\n';
  }
}
