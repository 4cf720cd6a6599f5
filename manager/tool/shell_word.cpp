#include "manager/tool/shell_word.hpp"

#include <algorithm>

namespace partage::tool {
namespace {

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./:@%+=,").find(c) != std::string_view::npos;
}
bool is_printable(char c) noexcept {
  return c >= ' ' && c <= '~';
}

/// $'...', which bash, zsh and ksh know.
std::string with_escapes(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string word = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') word += '\\';
    word += is_printable(c) ? std::string(1, c) : std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
  }
  return word + '\'';
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  if (!std::ranges::all_of(text, is_printable)) return with_escapes(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + '\'';
}

}  // namespace partage::tool
