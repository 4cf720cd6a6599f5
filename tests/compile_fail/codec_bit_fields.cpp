// expect: partage: this struct has bit-fields
#include <partage/codec/codec.hpp>

template <int n>
struct Flags {
  int a : 4;
  int b : 4;
};
template <>
struct Flags<0> {
  int a;
  int b;
};

#ifdef PARTAGE_CONTROL
using Element = Flags<0>;
#else
using Element = Flags<1>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
