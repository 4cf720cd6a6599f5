// expect: partage: a view .* cannot be stored in a shared object: .*; store a std::vector
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::vector<int>;
#else
using Element = std::span<int>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
