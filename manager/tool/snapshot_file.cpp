#include "manager/tool/snapshot_file.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <partage/error.hpp>

namespace partage::tool {
namespace {

constexpr std::string_view magic = "partage snapshot, format ";

std::string head_for(std::uint64_t size, std::uint64_t crc) {
  std::array<char, 128> line;
  const int n =
      std::snprintf(line.data(), line.size(), "%s%d, %020llu bytes, crc64 %016llx\n", magic.data(), snapshot_format,
                    static_cast<unsigned long long>(size), static_cast<unsigned long long>(crc));
  return {line.data(), static_cast<std::size_t>(n)};
}

/// The number that a text is, from its first to its last character.
std::optional<std::uint64_t> number_in(std::string_view text, int base) {
  std::uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n, base);
  return error == std::errc() && stop == end ? std::optional(n) : std::nullopt;
}

}  // namespace

std::string SnapshotSum::head() const {
  return head_for(size_, crc_.checksum());
}

bool looks_like_snapshot(std::string_view file) noexcept {
  return file.starts_with(magic);
}

std::string_view snapshot_body(std::string_view file) {
  if (!looks_like_snapshot(file)) {
    throw ValueError(magic.starts_with(file) && !file.empty()
                         ? "partage: it is truncated: not even its first line is whole"
                         : "partage: it is no snapshot");
  }
  const std::string_view after = file.substr(magic.size());
  const std::string_view version = after.substr(0, after.find(','));
  if (version != std::to_string(snapshot_format)) {
    const auto number = number_in(version, 10);
    if (!number) throw ValueError("partage: its first line is damaged");
    throw ValueError("partage: it has format " + std::to_string(*number) + ", and this program reads format " +
                     std::to_string(snapshot_format));
  }
  if (file.size() < snapshot_head_size) throw ValueError("partage: it is truncated: not even its first line is whole");
  const std::string_view head = file.substr(0, snapshot_head_size), body = file.substr(snapshot_head_size);
  const auto size = number_in(head.substr(28, 20), 10), crc = number_in(head.substr(62, 16), 16);
  if (!size || !crc || head != head_for(*size, *crc)) throw ValueError("partage: its first line is damaged");
  if (body.size() < *size) {
    throw ValueError("partage: it is truncated: of " + std::to_string(*size) + " bytes " + std::to_string(body.size()) +
                     " are there");
  }
  if (const std::size_t more = body.size() - static_cast<std::size_t>(*size); more != 0) {
    throw ValueError("partage: it has " + std::to_string(more) + (more == 1 ? " byte" : " bytes") + " too many");
  }
  SnapshotSum sum;
  sum.add(body);
  if (sum.head() != head) throw ValueError("partage: its checksum is wrong: something in it was changed");
  return body;
}

Dump read_snapshot(std::string_view file) {
  return read_dump(snapshot_body(file));
}

}  // namespace partage::tool
