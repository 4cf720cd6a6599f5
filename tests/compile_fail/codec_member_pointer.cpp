// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

struct Holder {
  int id;
};

#ifdef PARTAGE_CONTROL
using Element = int;
#else
using Element = int Holder::*;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
