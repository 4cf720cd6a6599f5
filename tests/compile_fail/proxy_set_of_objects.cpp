// expect: partage: an Object cannot be \(part of\) a key
#include <partage/manager.hpp>
#include <partage/object.hpp>

#include <string>

void f(const partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  manager.set<std::string>();
#else
  manager.set<partage::Object>();
#endif
}
