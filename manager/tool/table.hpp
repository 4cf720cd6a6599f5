// A table for people: columns as wide as their longest cell, numbers to the right, everything else to the left.
//
//   Table table({{"NAME"}, {"SIZE", Table::Align::right}});
//   table.add({"stock", "3"});
//   std::cout << table;
//
// Control characters in a cell, and bytes that are no UTF-8, are shown as \n, \x1b, \u0085 and so on, so that a name
// cannot play with the terminal.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace partage::tool {

class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns);
  /// As many cells as there are columns.
  void add(std::vector<std::string> cells);

  friend std::ostream& operator<<(std::ostream& out, const Table& table);

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The text with its control characters, and bytes that are no UTF-8, made visible: for terminals, and for JSON.
std::string harmless(const std::string& text);

}  // namespace partage::tool
