// expect: a pointer cannot be stored in a shared object
#include <partage/manager.hpp>

void f(const partage::Namespace& attributes, int* x) {
#ifdef PARTAGE_CONTROL
  attributes.set("x", *x);
#else
  attributes.set("x", x);
#endif
}
