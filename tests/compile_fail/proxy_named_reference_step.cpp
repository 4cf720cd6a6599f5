// expect: passing .* as .this. argument discards|no match for .operator\+=.|no viable overloaded '\+='
// Compound assignment through a named element reference does not compile either.
#include <partage/dict.hpp>

#include <string>

void f(const partage::DictProxy<std::string, int>& dict) {
  auto reference = dict["k"];
#ifdef PARTAGE_CONTROL
  dict["k"] += 5;
  static_cast<void>(reference.get());
#else
  reference += 5;
#endif
}
