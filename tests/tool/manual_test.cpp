// The manual page names every command and every option of `partage --help`, and no other.
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

using Words = std::set<std::string>;

/// What the expression's first group matches.
Words all(const std::string& text, const char* expression) {
  const std::regex regex(expression);
  Words words;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) words.insert((*it)[1]);
  return words;
}

std::string manual() {
  std::ostringstream text;
  text << std::ifstream(PARTAGE_MANUAL).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("manual: names the commands and the options of --help, and no others") {
  const std::string help = run({"--help"}).out;
  const auto at = help.find("\nSubcommands:\n");
  REQUIRE(at != std::string::npos);
  const std::string list = help.substr(at + 14, help.find("\n\n", at + 1) - at - 14);
  const Words commands = all(list, "(?:^|\n)  ([a-z]+) ");
  REQUIRE(commands.contains("serve"));
  REQUIRE(commands.contains("version"));
  Words options = all(help, "--([a-z][a-z-]*)");
  for (const std::string& command : commands) options.merge(all(run({command, "--help"}).out, "--([a-z][a-z-]*)"));
  REQUIRE(options.contains("max-size"));

  const std::string page = manual();
  CHECK(all(page, "\n\\.It Cm ([a-z]+)") == commands);  // described
  CHECK(all(page, "Fl -([a-z][a-z-]*)") == options);
}

TEST_CASE("manual: man formats it without a warning") {
  if (std::system("command -v man >/dev/null") != 0) {
    MESSAGE("man is not installed, so the page has not been formatted");
    return;
  }
  const std::string file = "/tmp/" + unique("manual");
  const int status =
      std::system(("LC_ALL=C MANWIDTH=100 man --warnings -l " PARTAGE_MANUAL " >/dev/null 2>" + file).c_str());
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  std::remove(file.c_str());
  CHECK(exit_code(status) == 0);
  CHECK(text.str() == "");
}
