// expect: a handle cannot be \(part of\) a key
#include <partage/manager.hpp>

void f(const partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  manager.list<partage::ListProxy<int>>();
#else
  manager.set<partage::ListProxy<int>>();
#endif
}
