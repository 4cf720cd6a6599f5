// expect: no match for .operator\[\].|no viable overloaded operator\[\]
// 0 is no null pointer to characters.
#include <partage/dict.hpp>

#include <string>

void f(const partage::DictProxy<std::string, int>& dict) {
#ifdef PARTAGE_CONTROL
  dict["0"] = 1;
#else
  dict[0] = 1;
#endif
}
