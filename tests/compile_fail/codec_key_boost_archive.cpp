// expect: partage: a type with use_boost_archive cannot be \(part of\) a key
#include <partage/codec/codec.hpp>

template <int n>
struct Node {
  int value;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& value;
  }
};
template <>
inline constexpr bool partage::use_boost_archive<Node<1>> = true;

#ifdef PARTAGE_CONTROL
using Key = Node<0>;
#else
using Key = Node<1>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
