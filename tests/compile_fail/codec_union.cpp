// expect: partage: a union cannot be stored
#include <partage/codec/codec.hpp>

union Either {
  int i;
  float f;
};

#ifdef PARTAGE_CONTROL
using Element = std::variant<int, float>;
#else
using Element = Either;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
