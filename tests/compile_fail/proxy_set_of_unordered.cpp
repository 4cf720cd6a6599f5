// expect: an unordered container cannot be \(part of\) a key
#include <partage/manager.hpp>

#include <set>
#include <unordered_set>

void f(const partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  manager.set<std::set<int>>();
#else
  manager.set<std::unordered_set<int>>();
#endif
}
