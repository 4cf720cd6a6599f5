// expect: partage: a C array cannot be an element
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::array<int, 3>;
#else
using Element = int[3];
#endif

bool stored() {
  return partage::codec::Storable<Element>::value;
}
