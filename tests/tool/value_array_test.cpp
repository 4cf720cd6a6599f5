// ls, get, set and del on values and arrays of a live manager.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <partage/partage.hpp>

#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

class Cells {
 public:
  Cells()
      : serving_(unique("cells")),
        client_(
            serving_.name(),
            [](Manager& m) {
              total = m.Value<int>(named("total"), 5);
              m.Value<std::string>(named("title"), "a title that is longer than a word");
              m.Array<double>(named("edges"), {0.5, 1.5});
              m.dict<std::string, Value<int>>(named("by name"), {{"total", total}});
            },
            [](Manager&) { return total == -7 ? 0 : 1; }) {}

  Ran operator()(std::string command, Program::Words rest = {}) const {
    Program::Words words{std::move(command), serving_.name()};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words);
  }
  std::string get(Program::Words words) const {
    words.push_back("--json");
    return (*this)("get", words).out;
  }
  Client& client() { return client_; }

 private:
  static inline Value<int> total;  // in the client
  Serving serving_;
  Client client_;
};

bool is_misused(const Ran& ran, const std::string& sentence) {
  CAPTURE(ran.err);
  CHECK(ran.code == 2);
  CHECK(is_sentence(ran.err));
  return ran.err.find(sentence) != std::string::npos;
}

}  // namespace

TEST_CASE("values and arrays: ls names kind, types and size") {
  Cells cells;
  std::size_t seen = 0;
  const auto all = cells("ls", {"--json"}).json();
  for (const auto& o : all.as_array()) {
    if (o.at("name") == "total") {
      CHECK(o.at("kind") == "value");
      CHECK(o.at("types") == "value<i32>");
      CHECK(o.at("size") == 1);
      ++seen;
    } else if (o.at("name") == "edges") {
      CHECK(o.at("kind") == "array");
      CHECK(o.at("types") == "shared_array<f64>");
      CHECK(o.at("size") == 2);
      ++seen;
    }
  }
  CHECK(seen == 2);
}

TEST_CASE("values and arrays: get shows a value bare, an array as a list") {
  Cells cells;
  CHECK(cells.get({"total"}) == "5\n");
  CHECK(cells.get({"title"}) == "\"a title that is longer than a word\"\n");
  CHECK(cells.get({"edges"}) == "[0.5,1.5]\n");
  CHECK(cells.get({"edges", "--json", "--", "-1"}) == "");  // options end at --
  CHECK(cells.get({"edges", "1"}) == "1.5\n");
  CHECK(cells.get({"by name"}) == "{\"total\":5}\n");
  CHECK(is_misused(cells("get", {"total", "0"}), "is one value and has no elements"));
  CHECK(cells("get", {"edges", "2"}).code == 3);
}

TEST_CASE("values and arrays: set writes a value without a key, an array with one") {
  Cells cells;
  CHECK(cells("set", {"total", "--", "-7"}).code == 0);
  CHECK(cells.get({"total"}) == "-7\n");
  CHECK(cells("set", {"title", "short"}).code == 0);
  CHECK(cells.get({"title"}) == "\"short\"\n");
  CHECK(cells("set", {"edges", "0", "9"}).code == 0);
  CHECK(cells.get({"edges"}) == "[9.0,1.5]\n");
  CHECK(is_misused(cells("set", {"total", "0", "1"}), "leave the key out"));
  CHECK(is_misused(cells("set", {"edges", "1"}), "KEY VALUE"));
  CHECK(cells("set", {"edges", "2", "1"}).code == 3);
  CHECK(cells("set", {"total", "text"}).code == 1);
  CHECK(cells.client().finish().ok());
}

TEST_CASE("values and arrays: del takes a name away, and no element") {
  Cells cells;
  CHECK(is_misused(cells("del", {"edges", "0"}), "fixed length"));
  CHECK(is_misused(cells("del", {"total", "0"}), "is one value"));
  CHECK(cells("del", {"title"}).code == 0);
  CHECK(cells("get", {"title"}).code == 3);
}
