// expect: assignment of read-only|cannot assign
// Iteration is over a copy; writing to it would be lost.
#include <partage/list.hpp>

void f(const partage::ListProxy<int>& list) {
#ifdef PARTAGE_CONTROL
  for (auto& x : list) static_cast<void>(x);
#else
  for (auto& x : list) x = 1;
#endif
}
