// Random operations on message queues and on a std::deque: results, order and errors must agree, through several handles, across
// removals, and while other processes hold the queue.

#include <doctest/doctest.h>

#include <deque>
#include <limits>
#include <partage/partage.hpp>

#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "tests/model/values.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/queue_key.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {

using Message = MessageQueue::Message;
namespace {

using namespace std::chrono_literals;

class MessageWalk {
 public:
  explicit MessageWalk(std::uint64_t seed)
      : random_(seed), queue_(MessageQueue::create(key_)), few_(random_() % 2 == 0) {}

  void run(long operations) {
    for (long n = 0; n < operations; ++n) {
      CAPTURE(n);
      step();
      REQUIRE(queue_.size() == model_.size());
      REQUIRE(queue_.empty() == model_.empty());
    }
    verify();
    while (!model_.empty()) receive(0);
    verify();
    queue_.remove();
  }

 private:
  void step() {
    // Now filling, now emptying, so that the ring grows and shrinks.
    if (random_() % 200 == 0) growing_ = !growing_;
    const auto kind = random_() % 100;
    if (kind < (growing_ ? 60u : 40u)) return send();
    if (kind < 97) return receive(any_type());
    if (kind == 97) {
      const auto again = MessageQueue::open(key_);
      REQUIRE(again.is(queue_));
      queue_ = again;
    } else if (kind == 98) {
      verify();
    } else if (random_() % 10 == 0) {
      const MessageQueue old = queue_;
      old.remove();
      REQUIRE_THROWS_AS(old.try_receive(), ShutDown);
      queue_ = MessageQueue::create(key_, {.exclusive = true});
      model_.clear();
    }
  }

  void send() {
    const std::size_t n = random_() % 5 == 0 ? random_() % 6000 : random_() % 40;
    Message message{std::string(n, static_cast<char>('a' + random_() % 26)),
                    static_cast<long>(1 + random_() % types())};
    if (random_() % 50 == 0) message.type = std::numeric_limits<long>::max();
    queue_.send(message.bytes, message.type);
    model_.push_back(std::move(message));
  }

  void receive(long type) {
    CAPTURE(type);
    const auto expected = expected_for(type);
    const auto how = random_() % 3;
    if (expected == model_.end()) {
      if (how == 0)
        REQUIRE_THROWS_AS(queue_.receive(type, -1s), Empty);
      else
        REQUIRE_FALSE(queue_.try_receive(type).has_value());
      return;
    }
    REQUIRE((how == 0   ? queue_.receive(type)
             : how == 1 ? queue_.receive(type, 1s)
                        : queue_.try_receive(type).value()) == *expected);
    model_.erase(expected);
  }

  std::deque<Message>::iterator expected_for(long type) {
    if (type == 0) return model_.begin();
    if (type > 0) return std::ranges::find(model_, type, &Message::type);
    const auto least = std::ranges::min_element(model_, {}, &Message::type);
    return least == model_.end() || type < -std::numeric_limits<long>::max() || least->type <= -type ? least
                                                                                                     : model_.end();
  }

  unsigned long types() const { return few_ ? 3 : 40; }
  long any_type() {
    const auto type = static_cast<long>(1 + random_() % (types() + 1));
    switch (random_() % 6) {
      case 0:
        return 0;
      case 1:
      case 2:
        return -type;
      case 3:
        return random_() % 10 == 0 ? std::numeric_limits<long>::min() : type;
      default:
        return type;
    }
  }

  void verify() {
    const auto object = engine::MessageQueue::open(key_).object();
    REQUIRE(kernel::verify_segment(*static_cast<const engine::SharedObject*>(object.get())->segment) == "");
  }

  QueueKey key_;
  std::mt19937_64 random_;
  MessageQueue queue_;
  bool few_, growing_ = true;
  std::deque<Message> model_;
};

}  // namespace

TEST_CASE("model: message queues against a deque") {
  PARTAGE_SHOW_SEED();
  for (std::uint64_t walk = 0; walk < 4; ++walk) MessageWalk(test_seed() + walk).run(repeats(2500));
}

}  // namespace partage::test
