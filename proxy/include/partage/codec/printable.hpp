// Which characters repr() prints as they are: Python's str.isprintable, except that code points no Unicode version has
// assigned yet count as printable (which ones those are changes with every Python).
//
// Thread safety: full.
#pragma once

#include <partage/export.hpp>

namespace partage::codec {

PARTAGE_API bool is_printable(char32_t c);

}  // namespace partage::codec
