// expect: no match for 'operator\|='
#include <partage/manager.hpp>

// Python's SetProxy takes it and does nothing.
void f(const partage::SetProxy<int>& set) {
#ifdef PARTAGE_CONTROL
  set |= {5};
#else
  set |= 5;
#endif
}
