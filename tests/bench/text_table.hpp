// A table of texts with aligned columns, which is also Markdown.
#pragma once

#include <string>
#include <vector>

namespace bench {

class TextTable {
 public:
  /// A heading that begins with '>' stands over numbers, which are aligned to the right.
  explicit TextTable(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the headings first
  std::vector<bool> right_;
};

}  // namespace bench
