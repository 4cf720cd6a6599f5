// Message queues as the program sees them: shown like what a manager hosts, and removed only on request.
#include <signal.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <partage/partage.hpp>

#include "tests/support/queue_key.hpp"
#include "tests/tool/program.hpp"

using namespace partage;
using namespace partage::test;

namespace json = boost::json;

namespace {

/// A queue with two messages that no process has open.
void leave_queue(const QueueKey& key) {
  const ChildResult end = run_child(
      [&] {
        const auto queue = MessageQueue::create(key);
        queue.send("hello", 3);
        queue.send("\xff", 1);
        raise(SIGKILL);
      },
      20s);
  REQUIRE(end.code == SIGKILL);
}

}  // namespace

TEST_CASE("message queues: ls and get show them") {
  const QueueKey key;
  leave_queue(key);
  const json::array all = run({"ls", "--json"}).json().as_array();
  const auto line = std::ranges::find_if(all, [&](const json::value& v) { return v.at("name") == key.name().c_str(); });
  REQUIRE(line != all.end());
  CHECK(line->at("state") == "queue");
  CHECK(line->at("pid").is_null());
  const json::array objects = run({"ls", key.name(), "--json"}).json().as_array();
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].at("name") == "messages");
  CHECK(objects[0].at("types") == "queue<tuple<i64,str>>");
  CHECK(objects[0].at("size") == 2);
  CHECK(run({"get", key.name(), "messages", "--json"}).out == "[[3,\"hello\"],[1,{\"hex\":\"ff\"}]]\n");
  CHECK(MessageQueue::open(key).size() == 2);
}

TEST_CASE("message queues: no manager is made under a name that is one of theirs") {
  const QueueKey key;
  const Ran ran = run({"serve", key.name()});
  CHECK(ran.code == 2);
  CHECK(is_sentence(ran.err));
  CHECK(has(ran.err, "'" + key.name() + "'"));
  CHECK_FALSE(key.is_taken());
}

TEST_CASE("message queues: clean keeps them unless they are named, and then while a living process has them open") {
  const QueueKey key;
  leave_queue(key);
  if (has_private_shm()) {
    const Ran all = run({"clean", "--json"});
    CHECK(all.code == 0);
    CHECK(all.json().at("removed").as_array().empty());
    REQUIRE(all.json().at("kept").as_array().size() == 1);
    CHECK(has(all.json().at("kept").at(0).at("reason").as_string().c_str(), "message queue"));
    CHECK(run({"clean"}).out == "");
    CHECK(run({"clean"}).err == "");
  }
  {
    const auto queue = MessageQueue::open(key);
    const Ran refused = run({"clean", key.name()});
    CHECK(refused.code == 1);
    CHECK(is_sentence(refused.err));
    CHECK(has(refused.err, "opened by 1 process"));
    CHECK(queue.receive(3, 1s).bytes == "hello");
  }
  CHECK(key.is_taken());
  const Ran removed = run({"clean", key.name()});
  CHECK(removed.code == 0);
  CHECK(removed.out == "removed " + key.name() + "\n");
  CHECK_FALSE(key.is_taken());
  CHECK_THROWS_AS(MessageQueue::open(key), KeyError);
  CHECK(MessageQueue::create(key).empty());
}

TEST_CASE("message queues: what is meant for managers refuses them and leaves them alone") {
  const QueueKey key;
  leave_queue(key);
  const std::pair<Program::Words, int> calls[] = {
      {{"serve", key.name()}, 2}, {{"stop", key.name()}, 3}, {{"del", key.name(), "messages"}, 2}};
  for (const auto& [words, code] : calls) {
    const std::string command = words.front();  // Clang 14 captures no bindings
    CAPTURE(command);
    const Ran ran = run(words);
    CAPTURE(ran.err);
    CHECK(ran.code == code);
    CHECK(is_sentence(ran.err));
    CHECK(has(ran.err, "a message queue"));
  }
  CHECK(MessageQueue::open(key).size() == 2);
}
