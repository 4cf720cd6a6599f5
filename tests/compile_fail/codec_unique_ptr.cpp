// expect: partage: a smart pointer cannot be stored
#include <memory>

#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = int;
#else
using Element = std::unique_ptr<int>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
