// expect: partage: an Object cannot be \(part of\) a key
#include <partage/codec/codec.hpp>
#include <partage/object.hpp>

#ifdef PARTAGE_CONTROL
using Key = std::vector<std::string>;
#else
using Key = std::vector<partage::Object>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
