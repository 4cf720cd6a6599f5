// expect: partage: a std::function cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Element = std::optional<int>;
#else
using Element = std::optional<std::function<void()>>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
