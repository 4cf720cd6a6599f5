// expect: partage: a const or volatile element or member cannot be stored
#include <partage/codec/codec.hpp>

template <class T>
struct Holder {
  T id = 0;
};

#ifdef PARTAGE_CONTROL
using Element = Holder<int>;
#else
using Element = Holder<const int>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
