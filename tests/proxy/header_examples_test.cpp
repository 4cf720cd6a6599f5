// The examples of the headers, so that they compile and do what they say.
#include <unistd.h>

#include "support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/queue_key.hpp"

using namespace partage::test;

TEST_SUITE("header_examples") {
  TEST_CASE("header_examples: list.hpp") {
    partage::Manager manager;
    auto list = manager.list<int>({3, 1, 2});
    list.append(4);
    list[0] += 10;
    list.sort();
    CHECK(text(list) == "[1, 2, 4, 13]");
    for (int x : list) list.append(x);
    int last = list.pop();
    CHECK(last == 13);
    CHECK(text(list) == "[1, 2, 4, 13, 1, 2, 4]");
  }

  TEST_CASE("header_examples: dict.hpp") {
    std::ostringstream out;
    partage::Manager manager;
    auto stock = manager.dict<std::string, int>({{"apples", 3}});
    stock["pears"] = 2;
    stock["apples"] += 1;
    stock.modify("figs", 0, [](int& n) { n += 5; });
    for (const auto& [name, n] : stock) out << name << n;
    CHECK(out.str() == "apples4pears2figs5");
    CHECK(text(stock) == "{'apples': 4, 'pears': 2, 'figs': 5}");
  }

  TEST_CASE("header_examples: message_queue.hpp") {
    const QueueKey key;
    ChildGroup group;
    auto mq = partage::MessageQueue::create(key);
    const pid_t client = group.start([&] {
      auto mine = partage::MessageQueue::open(key);
      mine.send(std::to_string(getpid()), 1);
      auto [answer, t] = mine.receive(getpid() + 3);
      return answer == "at your service" ? 0 : 1;
    });
    auto [bytes, type] = mq.receive(1);
    mq.send("at your service", std::stol(bytes) + 3);
    CHECK(type == 1);
    CHECK(group.wait(client, std::chrono::seconds(20)).ok());
    mq.remove();
  }

  TEST_CASE("header_examples: set.hpp") {
    partage::Manager manager;
    auto seen = manager.set<std::string>({"a", "b"});
    seen.add("c");
    seen |= std::vector<std::string>{"d", "a"};
    if (seen.contains("c")) seen.discard("a");
    std::set<std::string> rest = seen - std::set<std::string>{"b"};
    CHECK(rest.size() == 2);
    CHECK(text(seen) == "{'b', 'c', 'd'}");
  }

  TEST_CASE("header_examples: namespace.hpp") {
    partage::Manager manager;
    auto config = manager.Namespace({{"host", "localhost"}, {"port", 8080}});
    config.set("ratio", 0.5);
    int port = config.get<int>("port");
    auto user = config.get<std::string>("user", "nobody");
    config.modify<int>("port", [](int& p) { ++p; });
    CHECK(port == 8080);
    CHECK(user == "nobody");
    CHECK(text(config) == "Namespace(host='localhost', port=8081, ratio=0.5)");
  }

  TEST_CASE("header_examples: element_ref.hpp") {
    partage::Manager manager;
    auto list = manager.list<int>({1, 2});
    auto outer = manager.list<partage::DictProxy<std::string, int>>();
    outer.extend({manager.dict<std::string, int>(), manager.dict<std::string, int>({{"n", 1}})});
    int x = list[0];
    list[0] = 5;
    list[0] += 1;
    list[0] = list[1];
    outer[1]["n"] += 1;
    auto r = list[0];
    CHECK(x == 1);
    CHECK(r == 2);
    CHECK(outer[1]["n"] == 2);
  }

  TEST_CASE("header_examples: ordered_dict.hpp and named.hpp") {
    partage::Manager manager;
    std::ostringstream out;
    partage::ordered_dict<std::string, int> d{{"a", 1}, {"b", 2}};
    d["c"] = 3;
    for (const auto& [k, v] : d) out << k << v;
    CHECK(out.str() == "a1b2c3");
    auto stock = manager.dict<std::string, int>(partage::named("stock"), {{"apples", 3}});
    CHECK(stock.size() == 1);
  }

  TEST_CASE("header_examples: manager.hpp and snapshot_iterator.hpp") {
    partage::Manager manager;
    auto numbers = manager.list<int>({1, 2, 3});
    auto counter = manager.dict<std::string, int>({{"n", 0}});
    auto stock = manager.dict<std::string, int>(partage::named("stock"));
    for (const auto& x : numbers) numbers.append(x);
    CHECK(numbers.size() == 6);
    CHECK(counter.size() + stock.size() == 1);
  }

  TEST_CASE("header_examples: connection.hpp and wait.hpp") {
    using namespace std::chrono_literals;
    auto [here, there] = partage::Pipe();
    partage::Process worker([there = there] { there.send(there.recv<int>() + 1); });
    worker.start();
    here.send(41);
    int answer = here.recv<int>();
    CHECK(answer == 42);
    worker.join();
    auto [reader, writer] = partage::Pipe(false);
    writer.send_bytes("raw");
    for (const partage::Waitable& ready : partage::wait({here, reader}, 1s)) CHECK(ready == reader);
    CHECK(here.poll(0ms) == false);
    std::string raw = reader.recv_bytes();
    CHECK(raw == "raw");
  }
}
