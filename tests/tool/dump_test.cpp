// dump and load: the commands, on live managers whose clients are other processes.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <partage/partage.hpp>
#include <variant>

#include "tests/codec/sample_types.hpp"
#include "tests/tool/directory.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

struct Node {
  std::string name;
  std::optional<ListProxy<Node>> kids;
};

void fill(Manager& m) {
  auto shared = m.list<int>({1, 2, 3});
  m.dict<std::string, ListProxy<int>>(named("dict"), {{"a", shared}, {"b", shared}});
  m.dict<int, double>(named("numbers"), {{2, 0.1}, {1, std::numeric_limits<double>::infinity()}});
  m.list<std::variant<int, std::string>>(named("variants")).append(std::string("x"));
  m.set<std::string>(named("set"), {"b", "a"});
  auto value = m.Value<double>(named("value"), 2.5);
  value.get_lock();
  m.Array<std::uint64_t>(named("array"), {~std::uint64_t{0}, 1});
  auto ns = m.Namespace(named("ns"));
  ns.set("list", shared);
  ns.set("n", 5);
  auto queue = m.Queue<std::string>(named("queue"), 2);
  queue.put("one");
  auto jobs = m.JoinableQueue<int>(named("jobs"));
  jobs.put(1);
  jobs.put(2);
  jobs.get();
  m.Semaphore(named("semaphore"), 3).acquire();
  m.Lock(named("lock")).acquire();
  m.Condition(named("condition"));
  m.Event(named("event")).set();
  m.Barrier(named("barrier"), 4, std::chrono::seconds(2));
  auto nodes = m.list<Node>(named("circle"));
  nodes.append(Node{"self", nodes});
}

/// What fill() made, found by a program that knows the types.
int is_as_filled(Manager& m) {
  auto dict = m.dict<std::string, ListProxy<int>>(named("dict"));
  if (!dict.at("a").is(dict.at("b")) || dict.at("a").copy() != std::vector{1, 2, 3}) return 1;
  if (!m.Namespace(named("ns")).get<ListProxy<int>>("list").is(dict.at("a"))) return 2;
  dict.at("a").append(4);
  auto numbers = m.dict<int, double>(named("numbers"));
  if (numbers.keys() != std::vector{2, 1} || numbers.at(2) != 0.1 || !std::isinf(numbers.at(1))) return 3;
  if (m.list<std::variant<int, std::string>>(named("variants")).at(0) != std::variant<int, std::string>("x")) return 4;
  auto set = m.set<std::string>(named("set"));
  if (set.size() != 2 || !set.contains("a")) return 5;
  auto value = m.Value<double>(named("value"), 0.0);
  if (value.get() != 2.5 || (value += 1) != 3.5 || !value.get_lock().try_lock()) return 6;
  auto array = m.Array<std::uint64_t>(named("array"), 2);
  if (array.size() != 2 || array[0] != ~std::uint64_t{0}) return 7;
  auto queue = m.Queue<std::string>(named("queue"), 2);
  if (!queue.try_put("two") || queue.try_put("three") || queue.get() != "one") return 8;
  auto jobs = m.JoinableQueue<int>(named("jobs"));
  if (jobs.get() != 1 || jobs.get() != 2) return 9;
  jobs.task_done();
  jobs.task_done();
  if (!jobs.join(std::chrono::seconds(1))) return 10;
  auto semaphore = m.Semaphore(named("semaphore"), 3);
  if (semaphore.get_value() != 3) return 11;
  if (!m.Lock(named("lock")).try_lock()) return 12;
  auto condition = m.Condition(named("condition"));
  condition.acquire();
  condition.notify_all();
  condition.release();
  if (!m.Event(named("event")).is_set()) return 13;
  if (m.Barrier(named("barrier"), 4, std::chrono::seconds(2)).parties() != 4) return 14;
  auto circle = m.list<Node>(named("circle"));
  return circle.at(0).kids->is(circle) ? 0 : 15;
}

std::string dump_of(const std::string& name, Program::Words options = {"--json"}) {
  options.insert(options.begin(), {"dump", name});
  const Ran ran = run(options);
  CHECK_MESSAGE(ran.code == 0, ran.err);
  CHECK(ran.err == "");
  return ran.out;
}

/// The dump with what is said of the object of that name.
json::object object_in(const std::string& dump, const std::string& name) {
  const json::value all = json::parse(dump);
  for (const json::value& o : all.at("objects").as_array()) {
    const auto* called = o.as_object().if_contains("name");
    if (called != nullptr && *called == json::string_view(name)) return o.as_object();
  }
  FAIL("no object ", name);
  return {};
}

void check_refused(const std::string& name, const std::string& text, const std::string& why) {
  const Directory directory;
  std::ofstream(directory / "d") << text;
  const Ran ran = run({"load", name, (directory / "d").string()});
  CAPTURE(text);
  CAPTURE(ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, why));
  CHECK(run({"ls", name, "--json"}).out == "[]\n");
}

std::string dump_with(const std::string& objects) {
  return R"({"partage": "dump", "version": 1, "objects": [)" + objects + "]}";
}

}  // namespace

TEST_CASE("dump and load: some of everything, found again by programs that know the types") {
  const Serving from(unique("from")), to(unique("to"));
  const Directory directory;
  Client client(from.name(), fill);
  const std::string dump = dump_of(from.name());
  CHECK(object_in(dump, "dict").at("contents").at("a") == object_in(dump, "dict").at("contents").at("b"));
  CHECK(object_in(dump, "numbers").at("contents") == json::parse(R"([[2, 0.1], [1, "Infinity"]])"));
  CHECK(object_in(dump, "queue").at("maxsize") == 2);
  CHECK(object_in(dump, "jobs").at("contents") == json::parse("[1, 2]"));  // 1 was got and is not done
  CHECK(object_in(dump, "semaphore").at("value") == 3);                    // a permit is held
  CHECK(object_in(dump, "value").at("contents") == 2.5);
  CHECK(object_in(dump, "barrier").at("timeout") == 2'000'000'000);
  CHECK(object_in(dump, "event").at("set") == true);
  const auto self = object_in(dump, "circle");
  CHECK(self.at("contents").at(0).at(1) == json::value("#" + std::to_string(self.at("id").as_int64())));

  std::ofstream(directory / "d") << dump_of(from.name(), {});  // the form for people
  const Ran load = run({"load", to.name(), (directory / "d").string()});
  CHECK_MESSAGE(load.code == 0, load.err);
  CHECK(load.out == "");
  CHECK(load.err == "");
  Client other(
      to.name(), [](Manager&) {}, is_as_filled);
  CHECK(other.finish().ok());
}

TEST_CASE("load: from stdin, and all or nothing") {
  const Serving to(unique("to"));
  const Directory directory;
  std::ofstream(directory / "d") << dump_with(
      R"({"id": 1, "name": "a", "kind": "list", "types": "list<i32>", "contents": [1]},
         {"id": 2, "name": "b", "kind": "list", "types": "list<list<i32>>", "contents": ["#1", "#1"]})");
  const std::string load = PARTAGE_PROGRAM " load " + to.name() + " < " + (directory / "d").string();
  CHECK(std::system(load.c_str()) == 0);
  CHECK(run({"get", to.name(), "b", "--json"}).out == "[[1],[1]]\n");

  // A name is taken: nothing is loaded, be the name the first or the last one.
  CHECK(run({"del", to.name(), "b"}).code == 0);
  CHECK(run({"set", to.name(), "a", "0", "7"}).code == 0);
  const Ran taken = run({"load", to.name(), (directory / "d").string()});
  CHECK(taken.code == 1);
  CHECK(is_sentence(taken.err));
  CHECK(has(taken.err, "has an object 'a' already"));
  CHECK(run({"ls", to.name(), "--json"}).json().as_array().size() == 1);
  CHECK(run({"get", to.name(), "a"}).out == "[7]\n");
  CHECK(run({"load", to.name(), (directory / "d").string(), "--replace"}).code == 0);
  CHECK(run({"get", to.name(), "a"}).out == "[1]\n");
  CHECK(run({"ls", to.name(), "--json"}).json().as_array().size() == 2);  // the old `a` has gone
}

TEST_CASE("dump: what no name leads to is left out, unless all is wanted") {
  const Serving from(unique("from"));
  static std::optional<ListProxy<int>> anonymous;
  Client client(from.name(), [](Manager& m) {
    anonymous = m.list<int>({5});
    m.list<int>(named("l"), {6});
  });
  CHECK(json::parse(dump_of(from.name())).at("objects").as_array().size() == 1);
  const auto all = json::parse(dump_of(from.name(), {"--all", "--json"})).at("objects").as_array();
  REQUIRE(all.size() == 2);
  CHECK(all[1].at("contents") == json::parse("[5]"));
  const Serving empty(unique("empty"));
  CHECK(dump_of(empty.name()) ==
        R"({"partage":"dump","version":1,"manager":")" + empty.name() + "\",\"objects\":[]}\n");
}

TEST_CASE("load: what is refused, and why") {
  const Serving to(unique("to"));
  const std::string& name = to.name();
  check_refused(name, "", "this is no JSON: incomplete JSON, at line 1, byte 1");
  check_refused(name, "{\"partage\": \"dump\",\n \"version\" 1}", "at line 2");
  check_refused(name, "[1, 2]", "this is no dump");
  check_refused(name, R"({"partage": "dump", "version": 9, "objects": []})", "a dump of version 9");
  check_refused(name, R"({"partage": "dump", "version": 1})", "no list of \"objects\"");
  const auto object = [](const std::string& rest) { return dump_with(R"({"id": 1, "name": "x", )" + rest + "}"); };
  check_refused(name, dump_with("5"), "object 1 of the dump: it is no JSON object");
  check_refused(name, dump_with(R"({"name": "x"})"), "has no \"id\"");
  check_refused(name, dump_with(R"({"id": -1})"), "\"id\" is no number");
  check_refused(name, object(R"("types": "list<i32>")"), "'x': it has no \"kind\"");
  check_refused(name, object(R"("kind": "heap", "types": "heap<i32>")"), "'heap', which this program does not know");
  check_refused(name, object(R"("kind": "dict", "types": "list<i32>", "contents": {})"), "are not those of a dict");
  check_refused(name, object(R"("kind": "list", "types": "list<", "contents": [])"), "cannot be read");
  check_refused(name, object(R"("kind": "list", "types": "list<future<i8>>", "contents": [])"), "does not know all of");
  check_refused(name, object(R"("kind": "list", "types": "list<i8>")"), "has no \"contents\"");
  check_refused(name, object(R"("kind": "list", "types": "list<i8>", "contents": [], "contens": [])"),
                "a list has no \"contens\"");
  check_refused(name, object(R"("kind": "list", "types": "list<i8>", "contents": [1, 200])"),
                "object 1 of the dump 'x' (list<i8>): 200 does not fit i8");
  check_refused(name, object(R"("kind": "list", "types": "list<list<i8>>", "contents": ["#2"])"),
                "the dump has no object '#2'");
  check_refused(name, object(R"("kind": "list", "types": "list<list<i8>>", "contents": ["#1"])"),
                "'#1' is a list<list<i8>>");
  check_refused(name, object(R"("kind": "dict", "types": "dict<i8,i8>", "contents": {"1": 1})"), "no list of pairs");
  check_refused(name, object(R"("kind": "dict", "types": "dict<f64,i8>", "contents": [["NaN", 1]])"), "NaN cannot be");
  check_refused(name, object(R"("kind": "dict", "types": "dict<str,i8>", "contents": {"a": 1, "b": 2, "a": 3})"),
                "a JSON object has the key \"a\" twice, at line ");
  check_refused(name, object(R"("kind": "dict", "types": "dict<i8,i8>", "contents": [[1, 1], [2, 1], [1, 2]])"),
                "object 1 of the dump 'x' (dict<i8,i8>): the key 1 is there twice");
  check_refused(name, object(R"("kind": "set", "types": "shared_set<str>", "contents": ["a", "b", "a"])"),
                "object 1 of the dump 'x' (shared_set<str>): the element \"a\" is there twice");
  check_refused(name, object(R"("kind": "semaphore", "types": "semaphore", "initial": -1)"),
                "\"initial\" is no number");
  check_refused(name, object(R"("kind": "bounded_semaphore", "types": "bounded_semaphore", "initial": 1, "value": 2)"),
                "\"value\"");
  check_refused(name, object(R"("kind": "barrier", "types": "barrier", "parties": 0)"), "\"parties\"");
  check_refused(name, object(R"("kind": "condition", "types": "condition", "lock": "#1")"),
                "its \"lock\" is a condition");
  check_refused(name, dump_with(R"({"id": 1, "name": "x", "kind": "lock", "types": "lock"},
                                   {"id": 1, "name": "y", "kind": "lock", "types": "lock"})"),
                "another object has the \"id\" 1");
  check_refused(name, dump_with(R"({"id": 1, "name": "x", "kind": "lock", "types": "lock"},
                                   {"id": 2, "name": "x", "kind": "lock", "types": "lock"})"),
                "another object has that name too");
  check_refused(name, "partage snapshot, format 1, ", "truncated");

  const Ran missing = run({"load", name, "/no/such/file"});
  CHECK(missing.code == 1);
  CHECK(missing.err == "partage: '/no/such/file' cannot be read: No such file or directory\n");
  CHECK(run({"load", name, "/"}).code == 1);
}

TEST_CASE("load: what does not fit is given back") {
  const Serving to(unique("small"), {"--max-size", "8M"});
  const Directory directory;
  std::string text = R"({"id": 1, "name": "x", "kind": "list", "types": "list<str>", "contents": [")";
  for (int i = 0; i < 3000; ++i) text.append(4000, 'x') += "\",\"";
  std::ofstream(directory / "d") << dump_with(
      R"({"id": 2, "name": "self", "kind": "list", "types": "list<handle>", "contents": ["#2"]},)" + text + "\"]}");
  const Ran ran = run({"load", to.name(), (directory / "d").string()});
  CHECK(ran.code == 1);
  CHECK(is_sentence(ran.err));
  CHECK(run({"ls", to.name(), "--json"}).out == "[]\n");
}

TEST_CASE("dump: a large one is read and written in a time in proportion to it") {
  const Serving from(unique("large")), to(unique("copy"));
  const Directory directory;
  Client client(from.name(), [](Manager& m) {
    std::map<int, std::string> many;
    for (int i = 0; i < 50'000; ++i) many[i] = "value " + std::to_string(i);
    m.dict<int, std::string>(named("dict"), many);
    auto outer = m.list<ListProxy<int>>(named("lists"));
    for (int i = 0; i < 3000; ++i) outer.append(m.list<int>({i}));
  });
  std::ofstream(directory / "d") << dump_of(from.name());
  const Ran ran = run({"load", to.name(), (directory / "d").string()});
  CHECK_MESSAGE(ran.code == 0, ran.err);
  CHECK(run({"get", to.name(), "dict", "49999"}).out == "\"value 49999\"\n");
  CHECK(run({"get", to.name(), "lists", "2999"}).out == "[2999]\n");
}

TEST_CASE("dump: output that cannot be written is an error") {
  const Serving from(unique("full"));
  Client client(from.name(), [](Manager& m) { m.list<std::string>(named("l"), {std::string(100'000, 'x')}); });
  const std::string dump = PARTAGE_PROGRAM " dump " + from.name() + " >/dev/full 2>/dev/null";
  CHECK(exit_code(std::system(dump.c_str())) == 1);
}

TEST_CASE("dump and load: message queues are refused") {
  const std::string key = unique("mq");
  auto queue = MessageQueue::create(key);
  queue.send("text", 1);
  for (const char* command : {"dump", "load"}) {
    const Ran ran = run({command, "mq." + key});
    CHECK(ran.code == 2);
    CHECK(is_sentence(ran.err));
    CHECK(has(ran.err, "is a message queue"));
  }
  queue.remove();
}
