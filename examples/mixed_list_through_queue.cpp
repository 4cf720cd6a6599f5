// A list of values of different types goes through a queue.
//
// Elements are typed here; partage::Object is the type for what is known only at run time, and prints as JSON. The file
// the seed includes is absent; this is the program its text describes. The seed warns that a killed process corrupts
// its queue: that cannot happen here.
#include <partage/partage.hpp>

#include <iostream>

void f(partage::Queue<partage::Object> q) {
  q.put({42, nullptr, "hello"});
}

int main() {
  partage::Queue<partage::Object> q;
  partage::Process p(f, q);
  p.start();
  std::cout << q.get() << '\n';
  p.join();
}
