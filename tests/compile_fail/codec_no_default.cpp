// expect: partage: a type with serialize\(\) needs a default constructor
#include <partage/codec/codec.hpp>

template <int n>
class Money {
 public:
  Money() requires(n == 0) {}
  explicit Money(long cents) : cents_(cents) {}
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& cents_;
  }

 private:
  long cents_ = 0;
};

#ifdef PARTAGE_CONTROL
using Element = Money<0>;
#else
using Element = Money<1>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
