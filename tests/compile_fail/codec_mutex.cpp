// expect: partage: a type that can neither be copied nor moved
#include <mutex>

#include <partage/codec/codec.hpp>

template <class T>
struct Holder {
  int id;
  T lock;
};

#ifdef PARTAGE_CONTROL
using Element = Holder<int>;
#else
using Element = Holder<std::mutex>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
