// Names that are no UTF-8, or play with the terminal: what JSON and people are shown of them.
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <optional>
#include <partage/partage.hpp>

#include "manager/schema/unicode.hpp"
#include "manager/tool/shell_word.hpp"
#include "manager/tool/table.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

struct Node {
  std::string name;
  std::optional<ListProxy<Node>> next;
};

/// What they call `{"hex": ...}`.
bool is_hex(const json::value& name, const std::string& hex) {
  const auto* object = name.if_object();
  return object != nullptr && object->at("hex").as_string().ends_with(hex.c_str());
}

}  // namespace

TEST_CASE("names: control characters and bytes that are no UTF-8 are made visible, and nothing else") {
  CHECK(tool::harmless("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(tool::harmless("a\nb\tc\x1b[1m\x7f") == "a\\nb\\tc\\x1b[1m\\x7f");
  CHECK(tool::harmless("\xc2\x9b[1m \xc2\x80\xc2\x9f\xc2\xa0") == "\\u009b[1m \\u0080\\u009f\xc2\xa0");
  CHECK(tool::harmless("\xff\x9b \xc3") == "\\xff\\x9b \\xc3");
  CHECK(tool::harmless("\xe0\x80\x80 \xf0\x9f") == "\\xe0\\x80\\x80 \\xf0\\x9f");
  CHECK(tool::harmless(std::string(1, '\0')) == "\\x00");
}

TEST_CASE("names: JSON has the bytes of one that is no UTF-8, and its sentences are UTF-8") {
  Serving shop(unique("bytes") + "\xff");
  ChildGroup group;
  group.start([name = shop.name()] {
    Manager m = Manager::connect(name);
    const auto loop = m.list<Node>(named("loop\xfe"));
    loop.append({"itself", loop});
    const auto lock = m.Lock(named("lock\xfd"));
    lock.acquire();
    ::raise(SIGSTOP);
  });
  const auto json_of = [&](Program::Words words) {
    words.emplace_back("--json");
    const Ran ran = run(words);
    CAPTURE(words[0]);
    CHECK(schema::is_utf8(ran.out));
    CHECK(schema::is_utf8(ran.err));
    return schema::is_utf8(ran.out) && ran.code != 3 ? ran.json() : json::value();
  };
  REQUIRE(eventually([&] { return has(run({"locks", shop.name()}).out, "stopped"); }, 20s));
  const auto names_in = [](const json::value& all, const std::string& hex) {
    std::size_t n = 0;
    for (const json::value& one : all.as_array()) n += is_hex(one.at("name"), hex) ? 1 : 0;
    return n;
  };
  CHECK(names_in(json_of({"ls"}), "ff") == 1);
  CHECK(names_in(json_of({"ls", shop.name()}), "fe") == 1);
  CHECK(names_in(json_of({"stat", shop.name(), "--every", "10ms", "--count", "1"}).at("objects"), "fd") == 1);
  CHECK(names_in(json_of({"ls", shop.name(), "--cycles"}).at(0), "fe") == 1);
  const json::value locks = json_of({"locks", shop.name()});
  CHECK(names_in(locks.at("objects"), "fd") == 1);
  CHECK(locks.at("objects").at(0).at("called") == "lock 'lock\\xfd'");
  const json::value findings = json_of({"doctor", shop.name()});
  CHECK(is_hex(findings.at(0).at("manager"), "ff"));
  CHECK(has(findings.at(0).at("problem").as_string().c_str(), "lock\\xfd"));
  CHECK(is_hex(json_of({"clean", shop.name()}).at("kept").at(0).at("name"), "ff"));
  CHECK(json_of({"check", shop.name()}).at("whole").is_bool());
  for (const Program::Words& words : std::vector<Program::Words>{{"ls"},
                                                                 {"ls", shop.name()},
                                                                 {"ls", shop.name(), "--cycles"},
                                                                 {"check", shop.name()},
                                                                 {"locks", shop.name()},
                                                                 {"clean", shop.name()}}) {
    const Ran ran = run(words);
    CHECK(schema::is_utf8(ran.out + ran.err));
  }
  CHECK(schema::is_utf8(shop.program().out()));
}

TEST_CASE("names: a word of a shell is what the shell makes it again") {
  CHECK(tool::shell_word("stock-1.x_y") == "stock-1.x_y");
  for (const std::string text : {"", "a b", "it's", "$(x)", "#7", "a\nb", "\xff'\\", "*", "~", "a;b"}) {
    std::string out;
    std::FILE* pipe = ::popen(("bash -c " + tool::shell_word("printf %s " + tool::shell_word(text))).c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
    ::pclose(pipe);
    CHECK(out == text);
  }
}
