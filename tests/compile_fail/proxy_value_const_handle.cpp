// expect: discards qualifiers|no match for .operator=.|no viable overloaded '='
// A const handle cannot be made to refer to another value: `a = b` is about handles, `a = b.get()` about values.
#include <partage/value.hpp>

void f(const partage::Value<int>& a, const partage::Value<int>& b) {
#ifdef PARTAGE_CONTROL
  a = b.get();
#else
  a = b;
#endif
}
