// expect: no matching (member )?function
#include <partage/dict.hpp>

#include <string>

void f(const partage::DictProxy<std::string, int>& dict) {
#ifdef PARTAGE_CONTROL
  static_cast<void>(dict.at("k"));
#else
  static_cast<void>(dict.at(nullptr));
#endif
}
