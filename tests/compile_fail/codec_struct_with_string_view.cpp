// expect: partage: a std::string_view cannot be stored in a shared object: .*; store a std::string
#include <partage/codec/codec.hpp>

template <class T>
struct Holder {
  int id;
  T name;
};

#ifdef PARTAGE_CONTROL
using Element = Holder<std::string>;
#else
using Element = Holder<std::string_view>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
