#include "manager/schema/hex.hpp"

namespace partage::schema {
namespace {

/// 16: it is no digit.
unsigned digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return 16;
}

}  // namespace

boost::json::string hex_of(const std::byte* data, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  boost::json::string text(2 * size, '0');
  for (std::size_t i = 0; i < size; ++i) {
    text[2 * i] = digits[static_cast<unsigned char>(data[i]) >> 4];
    text[2 * i + 1] = digits[static_cast<unsigned char>(data[i]) & 15];
  }
  return text;
}

std::optional<std::string> bytes_of_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high > 15 || low > 15) return std::nullopt;
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace partage::schema
