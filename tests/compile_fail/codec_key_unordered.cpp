// expect: partage: an unordered container cannot be \(part of\) a key
#include <partage/codec/codec.hpp>

#ifdef PARTAGE_CONTROL
using Key = std::pair<int, std::set<int>>;
#else
using Key = std::pair<int, std::unordered_set<int>>;
#endif

void store(partage::codec::Writer& writer, const Key& key) {
  partage::codec::encode_key(writer, key);
}
