// A text as one word of a shell's command line: for advice that people copy.
//
//   stock -> stock        a b -> 'a b'        it's -> 'it'\''s'        two lines -> $'two\x0alines'
//
// Thread safety: no state. Errors: none.
#pragma once

#include <string>
#include <string_view>

namespace partage::tool {

std::string shell_word(std::string_view text);

}  // namespace partage::tool
