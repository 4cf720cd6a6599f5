#include <partage/codec/printable.hpp>

#include <algorithm>
#include <iterator>

namespace partage::codec {

namespace {

struct Range {
  char32_t first, last;
};

// Categories Cc, Cf, Cs, Co, Zl, Zp and Zs without the space, and the noncharacters; Unicode 14, as in Python 3.11.
constexpr Range unprintable[] = {
    {0x0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},      {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},      {0x1680, 0x1680},
    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x2064},    {0x2066, 0x206f},
    {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},    {0xfff9, 0xfffb},
    {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x13438},  {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xefffe, 0x10ffff},
};

}  // namespace

bool is_printable(char32_t c) {
  if ((c & 0xfffe) == 0xfffe) return false;
  const auto* range = std::lower_bound(std::begin(unprintable), std::end(unprintable), c,
                                       [](const Range& r, char32_t point) { return r.last < point; });
  return range == std::end(unprintable) || c < range->first;
}

}  // namespace partage::codec
