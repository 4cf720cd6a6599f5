// The Fibonacci numbers, written by a child into a list of a Manager.
//
// The child appends as many as it likes and the parent needs no stop flag: a list knows its size, unlike an Array. At
// the end of the scope the Manager ends, as at the end of Python's `with Manager() as manager`.
#include <partage/partage.hpp>

#include <iostream>

void f_manager(int n, partage::ListProxy<long> lst) {
  lst.append(0);
  long a = 0, b = 1;
  for (int i = 0; i < n; ++i) {
    const long next = a + b;
    a = b;
    b = next;
    lst.append(a);
  }
}

int main() {
  const int index = 5;
  {
    partage::Manager manager;
    auto lst = manager.list<long>();
    partage::Process p(f_manager, index, lst);
    p.start();
    p.join();
    std::cout << lst << '\n';
  }
}
