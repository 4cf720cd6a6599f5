// Random operations on Queue and JoinableQueue and on a model of them: results, order and errors must agree, also when
// consumers get items and die: what a JoinableQueue gave them is back in front, in its order.

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <deque>
#include <partage/partage.hpp>

#include "tests/model/values.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

/// The items of the walks: numbers, strings on both sides of every border, and lists by their handles.
template <class T>
class Items {
 public:
  explicit Items(Manager&) {}
  T any(Random& random) { return random_value<T>(random); }
  static bool same(const T& a, const T& b) { return a == b; }
};
template <>
class Items<std::string> {
 public:
  explicit Items(Manager&) {}
  std::string any(Random& random) {
    const std::size_t n = random() % 3 == 0 ? random() % 5001 : random() % 40;
    return std::string(n, static_cast<char>('a' + random() % 26));
  }
  static bool same(const std::string& a, const std::string& b) { return a == b; }
};
template <>
class Items<ListProxy<int>> {
 public:
  explicit Items(Manager& manager) : manager_(manager) {
    for (int i = 0; i < 4; ++i) lists_.push_back(manager.list<int>({i}));
  }
  ListProxy<int> any(Random& random) {
    return random() % 4 == 0 ? manager_.list<int>({7}) : lists_[random() % lists_.size()];
  }
  static bool same(const ListProxy<int>& a, const ListProxy<int>& b) { return a.is(b); }

 private:
  Manager& manager_;
  std::vector<ListProxy<int>> lists_;
};

/// What the documentation says of a queue, by one process and of consumers that have died.
template <class T>
struct QueueModel {
  struct Item {
    T value;
    bool taken = false;  // and not finished
  };
  std::size_t most;
  bool closed = false;
  std::size_t redeliveries = 0;
  std::deque<Item> items{};

  std::size_t there() const {
    return static_cast<std::size_t>(std::ranges::count_if(items, [](const Item& i) { return !i.taken; }));
  }
  bool full() const { return most != 0 && there() >= most; }
  auto first_there() {
    return std::ranges::find_if(items, [](const Item& i) { return !i.taken; });
  }
  auto first_taken() {
    return std::ranges::find_if(items, [](const Item& i) { return i.taken; });
  }
};

template <class Q, class T>
class QueueWalk {
 public:
  static constexpr bool joinable = requires(const Q& q) { q.task_done(); };

  QueueWalk(Manager& manager, std::uint64_t seed, std::ptrdiff_t maxsize)
      : random_(seed),
        items_(manager),
        queue_(make(manager, maxsize)),
        model_{.most = static_cast<std::size_t>(maxsize)} {}

  void run(long operations) {
    for (long n = 0; n < operations && !model_.closed; ++n) {
      step(n);
      look();
    }
    drain();
  }

 private:
  static Q make(Manager& manager, std::ptrdiff_t maxsize) {
    if constexpr (joinable)
      return manager.JoinableQueue<T>(maxsize);
    else
      return manager.Queue<T>(maxsize);
  }

  void look() {
    REQUIRE(queue_.qsize() == model_.there());
    REQUIRE(queue_.empty() == (model_.there() == 0));
    REQUIRE(queue_.full() == model_.full());
    REQUIRE(queue_.closed() == model_.closed);
    if constexpr (joinable) {
      REQUIRE(queue_.redeliveries() == model_.redeliveries);
      REQUIRE(queue_.join(-1s) == model_.items.empty());
    }
  }

  void put(const T& x) {
    const bool fits = !model_.full();
    const auto how = random_() % 4;
    CAPTURE(how);
    if (model_.closed) {
      REQUIRE_THROWS_AS(queue_.put(x), ShutDown);
      REQUIRE_THROWS_AS(queue_.try_put(x), ShutDown);
    } else if (how == 0) {
      REQUIRE(queue_.try_put(x) == fits);
    } else if (!fits) {
      REQUIRE_THROWS_AS(how == 1 ? queue_.put_nowait(x) : queue_.put(x, 1us), Full);
    } else {
      how == 1 ? queue_.put(x) : how == 2 ? queue_.put(x, 1s) : queue_.put_nowait(x);
    }
    if (!model_.closed && fits) model_.items.push_back({x});
  }

  void get() {
    const auto item = model_.first_there();
    const auto how = random_() % 4;
    CAPTURE(how);
    if (item == model_.items.end()) {
      if (model_.closed) {
        REQUIRE_THROWS_AS(queue_.get(), ShutDown);
      } else if (how == 0) {
        REQUIRE(!queue_.try_get());
      } else {
        REQUIRE_THROWS_AS(how == 1 ? queue_.get_nowait() : queue_.get(1us), Empty);
      }
      return;
    }
    const T got = how == 0   ? queue_.try_get().value()
                  : how == 1 ? queue_.get_nowait()
                  : how == 2 ? queue_.get(1s)
                             : queue_.get();
    REQUIRE(Items<T>::same(got, item->value));
    if constexpr (joinable) {
      item->taken = true;
    } else {
      model_.items.pop_front();
    }
  }

  void task_done() {
    if constexpr (joinable) {
      const auto item = model_.first_taken();
      if (item == model_.items.end()) {
        REQUIRE_THROWS_AS(queue_.task_done(), ValueError);
        return;
      }
      queue_.task_done();
      model_.items.erase(item);
    }
  }

  /// A process gets some items, is done with a few of them, and ends in one of the ways there are.
  void consumer() {
    const std::size_t gets = random_() % 4, dones = joinable ? random_() % (gets + 1) : 0;
    const auto end = random_() % 3;
    CAPTURE(gets);
    CAPTURE(dones);
    CAPTURE(end);
    // As the child does it; it acknowledges its own, in order.
    std::vector<T> expected;
    std::size_t got = 0;
    for (auto i = model_.items.begin(); i != model_.items.end() && got < gets; ++i) {
      if (!i->taken) expected.push_back(i->value), ++got;
    }
    const ChildResult result = run_child(
        [&] {
          for (const T& x : expected) {
            if (!Items<T>::same(queue_.get(), x)) return 1;
          }
          if constexpr (joinable) {
            for (std::size_t i = 0; i < std::min(dones, expected.size()); ++i) queue_.task_done();
          }
          if (end == 0) ::raise(SIGKILL);
          if (end == 1) ::_exit(0);
          std::exit(0);  // in an orderly way
        },
        10s);
    REQUIRE_MESSAGE((end == 0 ? result.end == ChildResult::End::signaled : result.ok()), result.describe());
    std::size_t finished = joinable ? std::min(dones, got) : got;
    model_.redeliveries += got - finished;
    for (auto i = model_.items.begin(); i != model_.items.end() && finished != 0;) {
      if (i->taken) {
        ++i;
      } else {
        i = model_.items.erase(i), --finished;
      }
    }
    // The count of what came back is written by whoever notices: the manager, or the next to get it.
    if constexpr (joinable) {
      REQUIRE(eventually([&] { return queue_.redeliveries() == model_.redeliveries; }, 10s));
    }
  }

  void step(long n) {
    const auto op = random_() % 100;
    CAPTURE(n);
    CAPTURE(op);
    // Now fuller, now emptier.
    const unsigned puts = (n / 300) % 2 == 0 ? 50 : 30;
    if (op < puts) {
      put(items_.any(random_));
    } else if (op < 75) {
      get();
    } else if (op < 97) {
      task_done();
    } else if (op < 99) {
      if (random_() % 4 == 0) consumer();
    } else if (random_() % 100 == 0) {
      queue_.close();
      model_.closed = true;
    }
  }

  void drain() {
    queue_.close();
    model_.closed = true;
    look();
    put(items_.any(random_));
    while (model_.there() != 0) get();
    get();
    if constexpr (joinable) {
      while (model_.first_taken() != model_.items.end()) task_done();
      task_done();
      queue_.join();
    }
    look();
  }

  Random random_;
  Items<T> items_;
  Q queue_;
  QueueModel<T> model_;
};

template <class Q, class T>
void walks(std::uint64_t seeds, long operations) {
  PARTAGE_SHOW_SEED();
  Manager manager({.max_size = std::size_t{1} << 30});
  for (std::uint64_t i = 0; i < seeds; ++i) {
    CAPTURE(i);
    const std::ptrdiff_t maxsize = i % 2 == 0 ? 0 : 1 + static_cast<std::ptrdiff_t>((test_seed() + i) % 20);
    QueueWalk<Q, T>(manager, test_seed() + i, maxsize).run(operations);
  }
  CHECK(eventually([&] { return manager.objects().empty(); }, 10s));  // when the last consumer that died is reaped
}

}  // namespace

TEST_CASE("Queue<int> behaves as its model") {
  walks<Queue<int>, int>(4, repeats(12'000));
}
TEST_CASE("Queue<string> behaves as its model") {
  walks<Queue<std::string>, std::string>(4, repeats(12'000));
}
TEST_CASE("Queue of handles behaves as its model") {
  walks<Queue<ListProxy<int>>, ListProxy<int>>(4, repeats(6'000));
}
TEST_CASE("JoinableQueue<int> behaves as its model") {
  walks<JoinableQueue<int>, int>(4, repeats(12'000));
}
TEST_CASE("JoinableQueue<string> behaves as its model") {
  walks<JoinableQueue<std::string>, std::string>(4, repeats(12'000));
}
TEST_CASE("JoinableQueue of handles behaves as its model") {
  walks<JoinableQueue<ListProxy<int>>, ListProxy<int>>(4, repeats(6'000));
}

TEST_SUITE("full:model") {
  TEST_CASE("queues: 20 seeds of 60 000 operations") {
    walks<Queue<int>, int>(20, 60'000);
    walks<Queue<std::string>, std::string>(20, 60'000);
    walks<Queue<ListProxy<int>>, ListProxy<int>>(20, 30'000);
    walks<JoinableQueue<int>, int>(20, 60'000);
    walks<JoinableQueue<std::string>, std::string>(20, 60'000);
    walks<JoinableQueue<ListProxy<int>>, ListProxy<int>>(20, 30'000);
  }
}

}  // namespace partage::test
