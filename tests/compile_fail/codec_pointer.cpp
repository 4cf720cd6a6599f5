// expect: partage: a pointer cannot be stored in a shared object: .*; store the value itself, an index, or a handle
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = int;
#else
using Element = int*;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
