// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::vector<int>;
#else
using Element = std::vector<int*>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
