// expect: cannot bind|invalid initialization|cannot bind to
// There is no int& into shared memory.
#include <partage/list.hpp>

void f(const partage::ListProxy<int>& list) {
#ifdef PARTAGE_CONTROL
  const int& x = list[0];
#else
  int& x = list[0];
#endif
  static_cast<void>(x);
}
