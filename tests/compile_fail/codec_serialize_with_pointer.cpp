// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

template <class T>
class Node {
 public:
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& value_;
  }

 private:
  T value_{};
};

#ifdef PARTAGE_CONTROL
using Element = Node<int>;
#else
using Element = Node<int*>;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
