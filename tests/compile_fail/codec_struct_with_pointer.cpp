// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

template <class T>
struct Holder {
  int id;
  std::vector<std::pair<int, T>> parts;
};

#ifdef PARTAGE_CONTROL
using Element = Holder<int>;
#else
using Element = Holder<int*>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
