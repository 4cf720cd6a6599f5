// expect: partage: a smart pointer cannot be stored
#include <memory>

#include <boost/serialization/shared_ptr.hpp>

#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::vector<int>;
#else
using Element = std::vector<std::shared_ptr<int>>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
