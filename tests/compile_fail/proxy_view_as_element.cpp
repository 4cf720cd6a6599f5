// expect: a std::string_view cannot be stored in a shared object
#include <partage/manager.hpp>

#include <string>
#include <string_view>

void f(const partage::Manager& manager) {
#ifdef PARTAGE_CONTROL
  manager.list<std::string>();
#else
  manager.list<std::string_view>();
#endif
}
