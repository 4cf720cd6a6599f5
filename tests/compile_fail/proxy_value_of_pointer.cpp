// expect: partage: .*pointer
// A value that is an address means nothing in another process.
#include <partage/value.hpp>

void f() {
#ifdef PARTAGE_CONTROL
  partage::Value<int> v(0);
#else
  partage::Value<int*> v(nullptr);
#endif
}
