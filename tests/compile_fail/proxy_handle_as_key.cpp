// expect: a handle cannot be \(part of\) a key
#include <partage/manager.hpp>

#include <utility>

void f(const partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  manager.dict<int, partage::ListProxy<int>>();
#else
  manager.dict<std::pair<int, partage::ListProxy<int>>, int>();
#endif
}
