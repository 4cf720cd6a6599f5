// ls, get, set and del on the objects of a live manager whose clients are other processes.
#include <signal.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <partage/partage.hpp>
#include <set>
#include <variant>

#include "tests/codec/sample_types.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace {

namespace json = boost::json;

struct Item {
  int id = 0;
  std::string name;
  double price = 0;
};

/// Refers to the list it is in.
struct Node {
  std::string name;
  std::optional<ListProxy<Node>> kids;
};

/// A manager with some of everything, made by a client that stays.
class Shop {
 public:
  Shop()
      : serving_(unique("shop")),
        client_(
            serving_.name(), [](Manager& m) { fill(m); }, is_changed) {}

  const std::string& name() const { return serving_.name(); }
  Client& client() { return client_; }
  Serving& serving() { return serving_; }

  Ran operator()(std::string command, Program::Words rest = {}) const {
    Program::Words words{std::move(command), name()};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words);
  }
  /// What `get` prints of it as JSON; "code N: ..." if it fails.
  std::string get(Program::Words words) const {
    words.push_back("--json");
    const Ran ran = (*this)("get", words);
    return ran.code == 0 ? ran.out.substr(0, ran.out.size() - 1) : "code " + std::to_string(ran.code) + ": " + ran.err;
  }
  /// The number of the object with these types.
  std::string id_of(const std::string& types) const {
    const json::value all = (*this)("ls", {"--json"}).json();
    for (const json::value& o : all.as_array()) {
      if (o.at("types") == json::value(types)) return "#" + std::to_string(o.at("id").as_int64());
    }
    return "";
  }

 private:
  static inline ListProxy<float> floats;  // in the client
  static inline ListProxy<int> numbers;

  static void fill(Manager& m) {
    numbers = m.list<int>(named("numbers"), {1, 2, 3});
    m.dict<std::string, int>(named("stock"), {{"apples", 3}, {"pears", 4}});
    m.dict<int, Item>(named("items"), {{7, {1, "nail", 0.1}}, {-2, {2, "saw", 12}}});
    auto nested = m.dict<std::string, ListProxy<int>>(named("nested"));
    nested["a"] = m.list<int>({5, 6});
    nested["b"] = numbers;
    m.list<Object>(named("things"), {1, "two", 3.5, nullptr, {{"k", {1, 2}}}});
    m.dict<std::string, shop::Money>(named("money"), {{"a", {1, "CHF"}}});
    m.list<std::string>(named("empty"));
    floats = m.list<float>({0.1F, 1.0F});
  }
  /// What `set` has done, as the client's own handles see it.
  static int is_changed(Manager&) { return numbers.at(0) == -5 ? 0 : 1; }

  Serving serving_;
  Client client_;
};

bool refused(const Ran& ran, int code, const std::string& sentence) {
  CAPTURE(ran.err);
  CHECK(ran.code == code);
  CHECK(ran.out == "");
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, sentence));
  return ran.code == code;
}

}  // namespace

TEST_CASE("ls NAME: what stands there of an object") {
  Shop shop;
  const Ran ran = shop("ls", {"--json"});
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  const json::array all = ran.json().as_array();
  REQUIRE(all.size() == 9);
  std::map<std::string, json::object> named_objects;
  std::size_t anonymous = 0;
  for (const json::value& o : all) {
    if (o.at("name").is_null()) {
      ++anonymous;
    } else {
      named_objects[std::string(o.at("name").as_string().c_str())] = o.as_object();
    }
    CHECK(o.at("owner") == shop.client().pid());
    CHECK(o.at("bytes").as_int64() > 0);
    CHECK(o.at("waiters") == 0);
  }
  CHECK(anonymous == 2);
  const json::object& numbers = named_objects.at("numbers");
  CHECK(numbers.at("kind") == "list");
  CHECK(numbers.at("types") == "list<i32>");
  CHECK(numbers.at("size") == 3);
  CHECK(numbers.at("references").as_int64() >= 2);  // its name, the dict
  const json::object& items = named_objects.at("items");
  CHECK(items.at("kind") == "dict");
  CHECK(items.at("types") == "dict<i32,struct Item{i32,str,f64}>");
  CHECK(items.at("size") == 2);
}

TEST_CASE("ls NAME: an aligned table for people") {
  Shop shop;
  const Ran ran = shop("ls");
  CHECK(ran.code == 0);
  CHECK(ran.out.starts_with("ID"));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < ran.out.size();) {
    const std::size_t end = ran.out.find('\n', at);
    lines.push_back(ran.out.substr(at, end - at));
    at = end + 1;
  }
  REQUIRE(lines.size() == 10);
  const std::size_t name = lines[0].find("NAME"), kind = lines[0].find("KIND"), types = lines[0].find("TYPES");
  for (const std::string& line : lines) {
    CHECK(line[name - 1] == ' ');
    CHECK(line[kind - 1] == ' ');
    CHECK(line[types - 1] == ' ');
    CHECK(line[name] != ' ');
    CHECK(line[kind] != ' ');
    CHECK(line.back() != ' ');
    CHECK(line.size() == lines[0].size());  // the last column is right-aligned
  }
  CHECK(has(ran.out, "dict<str,list<i32>>"));
}

TEST_CASE("get: objects") {
  Shop shop;
  CHECK(shop.get({"numbers"}) == "[1,2,3]");
  CHECK(shop.get({"stock"}) == R"({"apples":3,"pears":4})");
  CHECK(shop.get({"items"}) == R"({"7":[1,"nail",0.1],"-2":[2,"saw",12.0]})");
  CHECK(shop.get({"nested"}) == R"({"a":[5,6],"b":[1,2,3]})");
  CHECK(shop.get({"things"}) == R"([1,"two",3.5,null,{"k":[1,2]}])");
  CHECK(shop.get({"money"}) == R"({"a":{"type":"user shop::Money","size":12}})");
  CHECK(shop.get({"empty"}) == "[]");
  CHECK(shop.get({shop.id_of("list<f32>")}) == "[0.1,1.0]");
  const Ran people = shop("get", {"items"});
  CHECK(people.code == 0);
  CHECK(people.out == "{\"7\": [1, \"nail\", 0.1], \"-2\": [2, \"saw\", 12.0]}\n");
}

TEST_CASE("get: elements") {
  Shop shop;
  CHECK(shop.get({"numbers", "0"}) == "1");
  CHECK(shop.get({"numbers", "-1"}) == "3");
  CHECK(shop.get({"stock", "apples"}) == "3");
  CHECK(shop.get({"stock", "\"apples\""}) == "3");
  CHECK(shop.get({"items", "7"}) == R"([1,"nail",0.1])");
  CHECK(shop.get({"items", "-2"}) == R"([2,"saw",12.0])");
  CHECK(shop.get({"nested", "b"}) == "[1,2,3]");
  CHECK(shop.get({"things", "4"}) == R"({"k":[1,2]})");
  CHECK(run({"get", "--json", "shm://" + shop.name(), "numbers", "1"}).out == "2\n");
}

TEST_CASE("get: what is not there") {
  Shop shop;
  refused(shop("get", {"figs"}), 3, "has no object 'figs'");
  refused(shop("get", {"#12345678901"}), 3, "has no object '#12345678901'");
  refused(shop("get", {"#0"}), 3, "has no object");
  refused(shop("get", {"#x"}), 3, "has no object");
  refused(shop("get", {"stock", "figs"}), 3, "dict 'stock' of manager '" + shop.name() + "' has no key figs");
  refused(shop("get", {"numbers", "3"}), 3, "has no element 3, it has 3 elements");
  refused(shop("get", {"numbers", "-4"}), 3, "has no element -4");
  refused(shop("get", {"numbers", "x"}), 2, "'x' is no index");
  refused(shop("get", {"items", "x"}), 1, "i32 takes an integer, not \"x\"");
}

// The registry's own dict of names stands in the table of objects beside the users', in a slot that depends on the
// manager's pid. So the id of every slot in the table's first chunk, all of them of the first generation, is tried.
TEST_CASE("get: no id shows what ls does not") {
  Shop shop;
  const json::array all = shop("ls", {"--json"}).json().as_array();
  std::set<std::int64_t> shown;
  for (const json::value& o : all) shown.insert(o.at("id").as_int64());
  std::size_t found = 0;
  for (std::int64_t id = std::int64_t{1} << 32, end = id + 256; id < end; ++id) {
    const std::string object = "#" + std::to_string(id);
    CAPTURE(object);
    if (shown.contains(id)) {
      CHECK(shop("get", {object}).code == 0);
      ++found;
    } else {
      refused(shop("get", {object}), 3, "has no object");
    }
  }
  CHECK(found == shown.size());
}

TEST_CASE("set: elements, as other processes then see them") {
  Shop shop;
  const auto done = [&](Program::Words words) {
    const Ran ran = shop("set", std::move(words));
    CHECK(ran.out == "");
    CHECK(ran.err == "");
    return ran.code == 0;
  };
  CHECK(done({"stock", "figs", "9"}));
  CHECK(done({"stock", "7", "8"}));
  CHECK(done({"numbers", "0", "-5"}));
  CHECK(shop.get({"stock"}) == R"({"apples":3,"pears":4,"figs":9,"7":8})");
  CHECK(shop.get({"numbers"}) == "[-5,2,3]");
  CHECK(done({"items", "9", R"([3,"rope",1e3])"}));
  CHECK(shop.get({"items", "9"}) == R"([3,"rope",1000.0])");
  for (const char* thing : {"{}", "[]", "null", "[1,2]", "{\"k\":{}}", "-1.5", "\"x\""}) {
    CHECK(done({"things", "0", thing}));
    CHECK(shop.get({"things", "0"}) == thing);
  }
  CHECK(done({"things", "-1", "plain text"}));
  CHECK(shop.get({"things", "4"}) == "\"plain text\"");
  CHECK(done({"--", "things", "0", "--json"}));
  CHECK(shop.get({"things", "0"}) == "\"--json\"");
  CHECK(done({"nested", "c", "numbers"}));
  CHECK(done({"nested", "d", shop.id_of("list<i32>")}));
  CHECK(shop.get({"nested", "c"}) == "[-5,2,3]");
  const ChildResult end = shop.client().finish();
  CHECK_MESSAGE(end.ok(), end.describe());
}

TEST_CASE("set: refusals change nothing") {
  Shop shop;
  refused(shop("set", {"stock", "apples", "x"}), 1, "i32 takes an integer, not \"x\"");
  refused(shop("set", {"stock", "apples", "99999999999"}), 1, "does not fit i32");
  refused(shop("set", {"items", "7", "[1,2,3]"}), 1, "str at [1] takes a text, not 2");
  refused(shop("set", {"numbers", "3", "1"}), 3, "has no element 3");
  refused(shop("set", {"numbers", "one", "1"}), 2, "is no index");
  refused(shop("set", {"money", "a", "5"}), 1, "only by a program that defines the type");
  refused(shop("set", {"nested", "c", "stock"}), 1, "is a dict<str,i32>, and a list<i32> is wanted");
  refused(shop("set", {"nested", "c", "nobody"}), 3, "has no object 'nobody'");
  refused(shop("set", {"figs", "c", "1"}), 3, "has no object 'figs'");
  CHECK(shop.get({"stock"}) == R"({"apples":3,"pears":4})");
  CHECK(shop.get({"numbers"}) == "[1,2,3]");
  CHECK(shop.get({"nested"}) == R"({"a":[5,6],"b":[1,2,3]})");
}

TEST_CASE("del: elements and names") {
  Shop shop;
  const auto done = [&](Program::Words words) {
    const Ran ran = shop("del", std::move(words));
    CHECK(ran.out == "");
    CHECK(ran.err == "");
    return ran.code == 0;
  };
  CHECK(done({"stock", "apples"}));
  CHECK(done({"numbers", "-1"}));
  CHECK(shop.get({"stock"}) == R"({"pears":4})");
  CHECK(shop.get({"numbers"}) == "[1,2]");
  refused(shop("del", {"stock", "apples"}), 3, "has no key apples");
  refused(shop("del", {"numbers", "2"}), 3, "has no element 2");

  CHECK(done({"stock"}));
  refused(shop("get", {"stock"}), 3, "has no object 'stock'");
  refused(shop("del", {"stock"}), 3, "has no object 'stock'");
  CHECK(shop.id_of("dict<str,i32>") == "");  // nothing else held it
  CHECK(done({shop.id_of("list<object>")}));
  CHECK(shop.id_of("list<object>") == "");
  refused(shop("del", {shop.id_of("list<f32>")}), 1, "has no name to be removed");
  // The last reference in a container goes with the element, and the object with it.
  CHECK(shop.get({"nested", "a"}) == "[5,6]");
  CHECK(done({"nested", "a"}));
  CHECK(shop("ls", {"--json"}).json().as_array().size() == 6);
}

TEST_CASE("sets: as a list, and single elements deleted") {
  Serving serving(unique("sets"));
  Client client(serving.name(), [](Manager& m) {
    m.set<std::string>(named("tags"), {"b", "a"});
    m.set<std::pair<int, double>>(named("pairs"), {{1, 0.5}});
    m.list<SetProxy<int>>(named("nested"), {m.set<int>({1}), m.set<int>()});
  });
  const auto call = [&](std::string command, Program::Words rest) {
    Program::Words words{std::move(command), serving.name()};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words);
  };
  CHECK(call("get", {"tags", "--json"}).out == "[\"b\",\"a\"]\n");
  CHECK(call("get", {"pairs", "--json"}).out == "[[1,0.5]]\n");
  CHECK(call("get", {"nested", "--json"}).out == "[[1],[]]\n");
  const json::value all = call("ls", {"--json"}).json();
  bool listed = false;
  for (const json::value& o : all.as_array()) {
    if (o.at("name") != json::value("tags")) continue;
    listed = true;
    CHECK(o.at("kind") == "set");
    CHECK(o.at("types") == "shared_set<str>");
    CHECK(o.at("size") == 2);
  }
  CHECK(listed);
  refused(call("get", {"tags", "a"}), 2, "nothing is stored under the elements of set 'tags'");
  refused(call("set", {"tags", "a", "1"}), 2, "nothing is stored under the elements of set 'tags'");
  refused(call("del", {"tags", "z"}), 3, "has no element z");
  refused(call("del", {"pairs", "x"}), 1, "takes a list of 2");
  CHECK(call("del", {"tags", "b"}).code == 0);
  CHECK(call("del", {"pairs", "[1,0.5]"}).code == 0);
  CHECK(call("get", {"tags", "--json"}).out == "[\"a\"]\n");
  CHECK(call("get", {"pairs", "--json"}).out == "[]\n");
  CHECK(call("del", {"tags"}).code == 0);
  refused(call("get", {"tags"}), 3, "has no object 'tags'");
}

TEST_CASE("namespaces: as an object, and single attributes") {
  Serving serving(unique("spaces"));
  Client client(
      serving.name(),
      [](Manager& m) {
        auto ns = m.Namespace(named("config"), {{"port", 8080}, {"host", "here"}, {"_list", m.list<int>({1, 2})}});
        ns.set("self", ns);
        ns.set("item", Item{1, "nail", 0.5});
        m.list<int>(named("other"), {7});
      },
      [](Manager& m) {
        auto ns = m.Namespace(named("config"));
        const bool as_set = ns.get<int>("port") == -1 && ns.get<std::string>("host") == "127.0.0.1" &&
                            ns.get<bool>("on") && ns.get<std::int64_t>("n") == 5 && ns.get<double>("f") == 1.5 &&
                            ns.get<std::string>("t") == "word" && ns.get<Object>("o").is_array() &&
                            ns.get<std::uint64_t>("u") == 18446744073709551615U;
        return as_set && ns.get<ListProxy<int>>("_list").at(0) == 7 ? 0 : 1;
      });
  const auto call = [&](std::string command, Program::Words rest) {
    Program::Words words{std::move(command), serving.name(), "config"};
    words.insert(words.end(), rest.begin(), rest.end());
    return run(words);
  };
  CHECK(call("get", {"--json"}).out == R"({"port":8080,"host":"here","_list":[1,2],"self":"...","item":[1,"nail",0.5]})"
                                       "\n");
  CHECK(call("get", {"port", "--json"}).out == "8080\n");
  CHECK(call("get", {"_list", "--json"}).out == "[1,2]\n");
  CHECK(call("get", {"item", "--json"}).out == "[1,\"nail\",0.5]\n");
  refused(call("get", {"z"}), 3, "namespace 'config' of manager '" + serving.name() + "' has no attribute z");
  refused(call("set", {"port", "x"}), 1, "i32 takes an integer");  // it keeps its type
  refused(call("set", {"_list", "config"}), 1, "is a namespace, and a list<i32> is wanted");
  const std::vector<Program::Words> changes = {
      {"host", "127.0.0.1"}, {"on", "true"},  {"n", "5"},         {"f", "1.5"},
      {"t", "word"},         {"o", "[1,{}]"}, {"_list", "other"}, {"u", "18446744073709551615"}};
  for (const Program::Words& change : changes) CHECK(call("set", change).code == 0);
  CHECK(run({"set", serving.name(), "--", "config", "port", "-1"}).code == 0);
  CHECK(call("get", {"f", "--json"}).out == "1.5\n");
  CHECK(call("del", {"item"}).code == 0);
  refused(call("del", {"item"}), 3, "has no attribute item");
  const ChildResult end = client.finish();
  CHECK_MESSAGE(end.ok(), end.describe());
}

TEST_CASE("get: an object inside itself, twice in another, and deep") {
  Serving serving(unique("rings"));
  Client client(serving.name(), [](Manager& m) {
    auto ring = m.list<Node>(named("ring"));
    ring.append({"root", ring});
    ring.append({"leaf", std::nullopt});
    auto shared = m.list<int>({1});
    m.list<ListProxy<int>>(named("twice"), {shared, shared});
    auto inner = m.list<Node>({{"bottom", std::nullopt}});
    for (int i = 0; i < 300; ++i) inner = m.list<Node>({{"level", inner}});
    m.list<ListProxy<Node>>(named("deep"), {inner});
  });
  CHECK(run({"get", serving.name(), "ring", "--json"}).out == "[[\"root\",\"...\"],[\"leaf\",null]]\n");
  CHECK(run({"get", serving.name(), "ring", "0", "--json"}).out == "[\"root\",[[\"root\",\"...\"],[\"leaf\",null]]]\n");
  CHECK(run({"get", serving.name(), "twice", "--json"}).out == "[[1],[1]]\n");
  const Ran deep = run({"get", serving.name(), "deep", "--json"});
  CHECK(deep.code == 0);
  CHECK(has(deep.out, "[\"level\",\"...\"]"));
  CHECK(run({"get", serving.name(), "deep"}).code == 0);
}

TEST_CASE("ls NAME --cycles: objects that keep each other") {
  const Serving serving(unique("rings"));
  const Client client(
      serving.name(),
      [](Manager& m) {
        const auto nodes = m.list<Node>(named("loop"));
        nodes.append({"itself", nodes});
        const auto a = m.list<Node>(named("a")), b = m.list<Node>(named("b"));
        a.append({"to b", b});
        b.append({"to a", a});
        const auto plain = m.list<Node>(named("plain"));
        plain.append({"to a", a});
      },
      [](Manager&) { return 0; });
  const Ran people = run({"ls", serving.name(), "--cycles"});
  CHECK(people.code == 0);
  CHECK(people.out.find("'loop'") != std::string::npos);
  CHECK(people.out.find("'plain'") == std::string::npos);
  CHECK(std::ranges::count(people.out, '\n') == 2);
  const json::value groups = run({"ls", serving.name(), "--cycles", "--json"}).json();
  std::size_t objects = 0;
  for (const json::value& group : groups.as_array()) {
    for (const json::value& object : group.as_array()) {
      CHECK(object.at("id").is_number());
      CHECK(has(people.out, std::string("'") + object.at("name").as_string().c_str() + '\''));
      CHECK(has(people.out, object.at("types").as_string().c_str()));
      ++objects;
    }
  }
  CHECK(groups.as_array().size() == 2);
  CHECK(objects == 3);
}

TEST_CASE("get: queues, locks and what else there is") {
  const Serving serving(unique("all"));
  const Client client(
      serving.name(),
      [](Manager& m) {
        const auto queue = m.Queue<int>(named("queue"));
        queue.put(1);
        queue.put(2);
        const auto jobs = m.JoinableQueue<std::string>(named("jobs"));
        jobs.put("taken");
        jobs.put("there");
        jobs.get();
        m.Lock(named("lock")).acquire();
        static_cast<void>(m.RLock(named("rlock")));
        static_cast<void>(m.Semaphore(named("semaphore"), 3));
        m.Event(named("event")).set();
        static_cast<void>(m.Condition(named("condition")));
        static_cast<void>(m.Barrier(named("barrier"), 4));
      },
      [](Manager&) { return 0; });
  const auto get = [&](const char* object) { return run({"get", serving.name(), object, "--json"}).out; };
  CHECK(get("queue") == "[1,2]\n");
  CHECK(get("jobs") == "[\"there\"]\n");
  CHECK(get("lock").starts_with("{\"locked\":true,\"owner\":"));
  CHECK(get("rlock") == "{\"locked\":false,\"owner\":null}\n");
  CHECK(get("semaphore") == "{\"value\":3}\n");
  CHECK(get("event") == "{\"set\":true}\n");
  CHECK(get("condition") == "{\"waiting\":0}\n");
  CHECK(get("barrier") == "{\"parties\":4,\"waiting\":0,\"broken\":false}\n");
  CHECK(run({"get", serving.name(), "queue", "0"}).code == 2);
  CHECK(run({"set", serving.name(), "lock", "0", "1"}).code == 2);
}

TEST_CASE("objects can be read and changed while the manager is dead") {
  Shop shop;
  shop.serving().kill();
  CHECK(shop.get({"stock"}) == R"({"apples":3,"pears":4})");
  CHECK(shop("set", {"stock", "figs", "9"}).code == 0);
  CHECK(shop("set", {"numbers", "0", "-5"}).code == 0);
  CHECK(shop("ls", {"--json"}).json().as_array().size() == 9);
  CHECK(shop("del", {"stock", "pears"}).code == 0);
  CHECK(shop.get({"stock"}) == R"({"apples":3,"figs":9})");
  CHECK(shop.client().finish().ok());
  CHECK(run({"clean", shop.name()}).out == "removed " + shop.name() + "\n");
}

TEST_CASE("the program leaves no trace in the segment") {
  Shop shop;
  const auto references = [&] {
    std::string text;
    const json::value all = shop("ls", {"--json"}).json();
    for (const json::value& o : all.as_array()) text += std::to_string(o.at("references").as_int64()) + " ";
    return text;
  };
  const std::string before = references();
  for (int i = 0; i < 3; ++i) {
    shop.get({"nested"});
    shop("set", {"nested", "b", "numbers"});
  }
  // Killed in the middle, too.
  for (int i = 0; i < 10; ++i) {
    Program program({"get", shop.name(), "nested"});
    usleep(static_cast<useconds_t>(i) * 700);
    program.signal(SIGKILL);
    program.wait();
  }
  CHECK(eventually([&] { return references() == before; }, 5s));
  const json::value managers = run({"ls", "--json"}).json();
  for (const json::value& m : managers.as_array()) {
    if (m.at("name") == json::value(shop.name())) CHECK(m.at("processes") == 1);
  }
}

TEST_CASE("get, set, load: what is wrong is said with the object it is wrong with") {
  const Serving serving(unique("said"));
  const Client client(serving.name(), [](Manager& m) {
    static const auto counts = m.dict<std::string, int>(named("counts"), {{"a", 1}});
    static const auto numbered = m.dict<int, int>(named("numbered"), {{1, 1}});
    static const auto total = m.Value<int>(named("total"), 3);
    static const auto permits = m.Semaphore(named("permits"), 3);
  });
  const std::string& name = serving.name();
  const auto refused = [&](const Program::Words& words, int code, const std::string& sentence) {
    const Ran ran = run(words);
    CAPTURE(ran.err);
    CHECK(ran.code == code);
    CHECK(is_sentence(ran.err));
    CHECK(has(ran.err, sentence));
  };
  const std::string of = "' of manager '" + name + "': ";
  refused({"set", name, "counts", "x", "abc"}, 1, "partage: the value of 'x' of dict 'counts" + of + "i32 takes");
  refused({"set", name, "numbered", "x", "1"}, 1, "partage: key 'x' of dict 'numbered" + of + "i32 takes");
  refused({"set", name, "total", "abc"}, 1, "partage: the contents of value 'total" + of + "i32 takes");
  refused({"set", name, "permits", "3"}, 2, "semaphore 'permits' of manager '" + name + "' has no elements");
  refused({"load", name, "/tmp"}, 1, "partage: '/tmp' cannot be read: Is a directory");
}

#if !defined(__SANITIZE_ADDRESS__)  // whose own memory counts
TEST_CASE("get, dump: an object for which there is no memory is named") {
  const Serving serving(unique("large"));
  const Client client(serving.name(), [](Manager& m) {
    static const auto big = m.list<std::string>(named("big"));
    for (int i = 0; i < 100; ++i) big.append(std::string(1'000'000, 'x'));
  });
  for (const std::string& command : {"get " + serving.name() + " big", "dump " + serving.name()}) {
    std::string out;
    std::FILE* pipe = ::popen(("ulimit -d 30000; " PARTAGE_PROGRAM " " + command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
    CHECK(exit_code(::pclose(pipe)) == 1);
    CHECK(has(out, "partage: there is not enough memory to read list 'big' of manager '" + serving.name() + "'; if"));
  }
}
#endif

TEST_CASE("ls, serve: what is no segment is named") {
  const std::string name = unique("empty"), path = "/dev/shm/partage." + name;
  std::ofstream(path).close();
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  for (const char* command : {"serve", "ls", "stat"}) {
    const Ran ran = run({command, name});
    CAPTURE(ran.err);
    CHECK(ran.code == 1);
    CHECK(is_sentence(ran.err));
    CHECK(ran.err.starts_with("partage: " + path + ": this segment cannot be attached: it has 0 bytes"));
  }
  CHECK(std::filesystem::remove(path));
}
