// expect: a pointer cannot be stored in a shared object
#include <partage/manager.hpp>

struct Item {
  int id = 0;
#ifndef PARTAGE_CONTROL
  const char* name = nullptr;
#endif
};

void f(const partage::Manager& manager) {
  manager.dict<int, Item>();
}
