// expect: partage: a std::string_view cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::string;
#else
using Element = std::string_view;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
