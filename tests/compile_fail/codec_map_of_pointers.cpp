// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::map<std::string, int>;
#else
using Element = std::map<std::string, const char*>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
