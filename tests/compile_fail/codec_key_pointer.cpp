// expect: partage: a pointer cannot be stored
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Key = std::pair<int, std::string>;
#else
using Key = std::pair<int, const char*>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
