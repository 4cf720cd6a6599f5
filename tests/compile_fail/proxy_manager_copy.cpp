// expect: deleted
// One Manager ends its process; a copy would end it a second time. Handles travel by copy.
#include <partage/manager.hpp>

#include <utility>

void f(partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  partage::Manager other = std::move(manager);
#else
  partage::Manager other = manager;
#endif
}
