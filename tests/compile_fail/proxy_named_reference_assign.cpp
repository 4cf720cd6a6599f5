// expect: discards qualifiers|no match for .operator=.|no viable overloaded '='
// Writing through a named element reference does not compile: it looks like a variable and is none.
#include <partage/list.hpp>

void f(const partage::ListProxy<int>& list) {
  auto reference = list[0];
#ifdef PARTAGE_CONTROL
  list[0] = 5;
  int x = reference;
  static_cast<void>(x);
#else
  reference = 5;
#endif
}
