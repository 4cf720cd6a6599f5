// expect: partage: a std::reference_wrapper cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::vector<int>;
#else
using Element = std::vector<std::reference_wrapper<int>>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
