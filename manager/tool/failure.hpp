// How the `partage` program ends, and what it throws to end so.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace partage::tool {

/// DO NOT CHANGE THESE VALUES: scripts test for them. The program's --help lists them.
enum class Exit {
  done = 0,
  failed = 1,     // an error of the library or the system
  misused = 2,    // the command line makes no sense
  not_found = 3,  // no such manager, object, key or element
  taken = 4       // serve: another manager has the name
};

/// One sentence for stderr, and the exit code.
struct Failure {
  Exit code;
  std::string sentence;  // begins with "partage: "
};

/// Of a sentence that becomes part of another one.
inline std::string without_prefix(std::string_view sentence) {
  constexpr std::string_view prefix = "partage: ";
  return std::string(sentence.starts_with(prefix) ? sentence.substr(prefix.size()) : sentence);
}

}  // namespace partage::tool
