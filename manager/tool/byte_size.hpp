// Sizes as people write them: 4096, 64K, 1.5M, 16G; K, M, G, T are powers of 1024, and KiB, KB, k mean the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace partage::tool {

/// nullopt: the text is no size.
std::optional<std::size_t> parse_size(const std::string& text);
/// At most one decimal: "832", "64K", "1.5M".
std::string size_text(std::size_t bytes);

}  // namespace partage::tool
