// A dict and a list of a Manager with values of several types.
//
// The values of the dict differ in type, so it holds partage::Object. Keys have one type: the numbers 1 and 0.25, which
// are keys in Python's own program for this section, are strings here. The file the seed includes is absent; this is
// the program its text describes.
#include <partage/partage.hpp>

#include <iostream>
#include <string>

void f(partage::DictProxy<std::string, partage::Object> d, partage::ListProxy<int> l) {
  d["1"] = "1";
  d["2"] = 2;
  d["0.25"] = nullptr;
  l.reverse();
}

int main() {
  partage::Manager manager;
  auto d = manager.dict<std::string, partage::Object>();
  auto l = manager.list<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});

  partage::Process p(f, d, l);
  p.start();
  p.join();

  std::cout << d << '\n' << l << '\n';
}
