// expect: partage: a struct with padding cannot be
#include <partage/codec/codec.hpp>

template <class T>
struct Inner {
  T letter;
  int number;
};
template <class T>
struct Outer {
  std::string name;
  Inner<T> inner;
};

#ifdef PARTAGE_CONTROL
using Key = std::pair<int, Outer<int>>;
#else
using Key = std::pair<int, Outer<char>>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
