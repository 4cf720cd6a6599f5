// expect: partage: this struct has more than 32 fields
#include <partage/codec/codec.hpp>

struct Fields {
  int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
  int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
#ifndef PARTAGE_CONTROL
  int e1;
#endif
};

void store(partage::codec::Writer& writer, const Fields& fields) {
  partage::codec::encode(writer, fields);
}
