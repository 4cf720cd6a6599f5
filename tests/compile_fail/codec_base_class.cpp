// expect: partage: this struct has a base class
#include <partage/codec/codec.hpp>

struct Base {
  int id;
};
template <class B>
struct Derived : B {
  int more;
};
template <>
struct Derived<void> {
  Base base;
  int more;
};

#ifdef PARTAGE_CONTROL
using Element = Derived<void>;
#else
using Element = Derived<Base>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
