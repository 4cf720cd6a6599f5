#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/bench/report.hpp"

namespace bench {

void rewrite_document(const std::filesystem::path& file, const std::map<std::string, std::string>& parts) {
  std::ostringstream whole;
  if (std::ifstream in(file); !(whole << in.rdbuf())) throw std::runtime_error("cannot read " + file.string());
  std::string text = whole.str();
  for (const auto& [name, part] : parts) {
    if (part.empty()) continue;
    const std::string begin = "<!-- generated: " + name + " -->\n";
    const auto from = text.find(begin);
    const auto to = text.find("<!-- end -->", from);
    if (from == std::string::npos || to == std::string::npos)
      throw std::runtime_error(file.string() + " has no part \"" + name + '"');
    const auto inside = from + begin.size();
    text.replace(inside, to - inside, '\n' + part + '\n');
  }
  const std::filesystem::path fresh = file.string() + ".new";
  if (std::ofstream out(fresh); !(out << text).flush()) throw std::runtime_error("cannot write " + fresh.string());
  std::filesystem::rename(fresh, file);
}

}  // namespace bench
