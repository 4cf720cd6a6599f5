// expect: partage: a struct with padding cannot be \(part of\) a key
#include <partage/codec/codec.hpp>

template <class T>
struct Place {
  T letter;
  int number;
};

#ifdef PARTAGE_CONTROL
using Key = Place<int>;
#else
using Key = Place<char>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
