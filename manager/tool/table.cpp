#include "manager/tool/table.hpp"

#include <algorithm>

#include "manager/schema/unicode.hpp"

namespace partage::tool {
namespace {

/// Characters, not bytes.
std::size_t width_of(const std::string& text) {
  const auto points = schema::points_of(text);
  return points ? points->size() : text.size();
}

}  // namespace

std::string harmless(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    char32_t point = 0;
    const bool valid = schema::next_point(text, at, point);
    if (!valid) {  // a byte of something else
      point = static_cast<unsigned char>(text[begin]);
      at = begin + 1;
    } else if (point >= 0x20 && !(point >= 0x7f && point < 0xa0)) {
      out.append(text, begin, at - begin);
      continue;
    }
    constexpr char digits[] = "0123456789abcdef";
    const char* escape = valid && point >= 0x80 ? "\\u00" : "\\x";
    out += point == '\n'   ? "\\n"
           : point == '\t' ? "\\t"
                           : std::string(escape) + digits[point >> 4] + digits[point & 15];
  }
  return out;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = harmless(cell);
  rows_.push_back(std::move(cells));
}

std::ostream& operator<<(std::ostream& out, const Table& table) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns_.size(); ++i) {
    std::size_t width = width_of(table.columns_[i].title);
    for (const auto& row : table.rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell) {
    std::string text;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string& content = cell(i);
      const std::string blanks(widths[i] - width_of(content), ' ');
      const bool right = table.columns_[i].align == Table::Align::right;
      text += right ? blanks + content : content + blanks;
      text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line([&](std::size_t i) -> const std::string& { return table.columns_[i].title; });
  for (const auto& row : table.rows_) line([&](std::size_t i) -> const std::string& { return row[i]; });
  return out;
}

}  // namespace partage::tool
