// expect: append
// The length of an array is fixed.
#include <partage/array.hpp>

void f(const partage::Array<int>& array) {
#ifdef PARTAGE_CONTROL
  array[0] = 5;
#else
  array.append(5);
#endif
}
