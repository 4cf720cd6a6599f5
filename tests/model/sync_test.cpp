// Random operations by several processes on locks, semaphores and conditions, one operation at a time, with random deaths,
// compared with a model in one process of what the documentation says of deaths: locks pass on and say so once, permits come
// back but never above what the semaphore began with, a release by a process that has none cancels the oldest acquisition of
// another, and a notification is never lost with a waiter that dies.

#include <doctest/doctest.h>
#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <partage/partage.hpp>
#include <sstream>

#include "tests/model/values.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

enum class Command : char { acquire, release, value, owner_died, wait };
constexpr char refused = 'r', yes = 'y', no = 'n', error = 'e';

/// A process that does one operation when it is told to, and says how it ended.
class Client {
 public:
  using Serve = std::function<char(Command)>;

  Client(ChildGroup& group, const Serve& serve) : group_(group) {
    int down[2], up[2];
    REQUIRE((::pipe(down) == 0 && ::pipe(up) == 0));
    pid_ = group.start([=] {
      ::close(down[1]);
      ::close(up[0]);
      char c = 0;
      while (::read(down[0], &c, 1) == 1) {
        const char answer = serve(static_cast<Command>(c));
        if (::write(up[1], &answer, 1) != 1) return;
      }
    });
    ::close(down[0]);
    ::close(up[1]);
    to_ = down[1];
    from_ = up[0];
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    ::close(to_);
    ::close(from_);
  }

  void tell(Command command) {
    const char c = static_cast<char>(command);
    REQUIRE(::write(to_, &c, 1) == 1);
  }
  char answer() {
    char c = 0;
    REQUIRE(::read(from_, &c, 1) == 1);
    return c;
  }
  char ask(Command command) {
    tell(command);
    return answer();
  }
  /// The answer, if it comes within that time.
  std::optional<char> answer_within(std::chrono::milliseconds time) {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(from_, &readable);
    timeval wait{time.count() / 1000, static_cast<suseconds_t>(time.count() % 1000 * 1000)};
    if (::select(from_ + 1, &readable, nullptr, nullptr, &wait) != 1) return std::nullopt;
    return answer();
  }
  void kill() { group_.kill(pid_); }

 private:
  ChildGroup& group_;
  pid_t pid_ = 0;
  int to_ = -1, from_ = -1;
};

template <class Fn>
char attempt(Fn fn) {
  try {
    return fn();
  } catch (const ValueError&) {
    return refused;
  } catch (const Error&) {
    return error;
  }
}

/// Clients 0 to `count` - 1, each of them replaced by a new one when it dies.
class Clients {
 public:
  Clients(std::size_t count, Client::Serve serve) : serve_(std::move(serve)), clients_(count) {
    for (auto& client : clients_) client.emplace(group_, serve_);
  }
  std::size_t size() const { return clients_.size(); }
  Client& operator[](std::size_t i) { return *clients_[i]; }
  void kill(std::size_t i) {
    clients_[i]->kill();
    clients_[i].emplace(group_, serve_);
  }

 private:
  Client::Serve serve_;
  ChildGroup group_;
  std::vector<std::optional<Client>> clients_;
};

// ---- locks ----------------------------------------------------------------------------------------------------------

struct LockModel {
  static constexpr std::size_t nobody = 99;
  std::size_t holder = nobody;
  long depth = 0;
  bool died = false;  // the holder before, and nobody has asked

  bool acquire(std::size_t who, bool reentrant) {
    if (holder != nobody && !(reentrant && holder == who)) return false;
    holder = who;
    ++depth;
    return true;
  }
  bool release(std::size_t who, bool reentrant) {
    if (holder == nobody || (reentrant && holder != who)) return false;
    if (--depth == 0) {
      holder = nobody;
      died = false;
    }
    return true;
  }
  void die(std::size_t who) {
    if (holder != who) return;
    holder = nobody;
    depth = 0;
    died = true;
  }
};

template <class L>
void lock_walk(const L& lock, bool reentrant, std::uint64_t seed, long operations) {
  Random random(seed);
  Clients clients(3, [lock](Command c) {
    return attempt([&] {
      switch (c) {
        case Command::acquire:
          return lock.try_acquire() ? yes : no;
        case Command::release:
          lock.release();
          return yes;
        case Command::value:
          return lock.locked() ? yes : no;
        default:
          return lock.owner_died() ? yes : no;
      }
    });
  });
  LockModel model;
  for (long n = 0; n < operations; ++n) {
    const std::size_t who = random() % clients.size();
    const auto op = random() % 100;
    CAPTURE(n);
    CAPTURE(who);
    CAPTURE(op);
    if (op < 40) {
      REQUIRE(clients[who].ask(Command::acquire) == (model.acquire(who, reentrant) ? yes : no));
    } else if (op < 65) {
      REQUIRE(clients[who].ask(Command::release) == (model.release(who, reentrant) ? yes : refused));
    } else if (op < 80) {
      REQUIRE(clients[who].ask(Command::value) == (model.holder != LockModel::nobody ? yes : no));
    } else if (op < 94) {
      const bool says = model.holder == who && std::exchange(model.died, false);
      REQUIRE(clients[who].ask(Command::owner_died) == (says ? yes : no));
    } else {
      clients.kill(who);
      model.die(who);
    }
  }
}

// ---- semaphores -----------------------------------------------------------------------------------------------------

struct SemaphoreModel {
  long initial;
  bool bounded, signal;
  long value = initial;
  std::deque<std::size_t> taken{};

  bool acquire(std::size_t who) {
    if (value == 0) return false;
    --value;
    if (!signal) taken.push_back(who);
    return true;
  }
  bool release(std::size_t who) {
    if (bounded && value >= initial) return false;
    if (const auto own = std::ranges::find(taken, who); own != taken.end()) {
      taken.erase(own);
    } else if (!taken.empty()) {
      taken.pop_front();
    }
    ++value;
    return true;
  }
  void die(std::size_t who) {
    value = std::max(value, std::min(initial, value + static_cast<long>(std::ranges::count(taken, who))));
    std::erase(taken, who);
  }
};

template <class S>
void semaphore_walk(const S& semaphore, SemaphoreModel model, std::uint64_t seed, long operations) {
  Random random(seed);
  Clients clients(3, [semaphore](Command c) {
    return attempt([&] {
      switch (c) {
        case Command::acquire:
          return semaphore.try_acquire() ? yes : no;
        case Command::release:
          semaphore.release();
          return yes;
        default:
          return static_cast<char>(semaphore.get_value());
      }
    });
  });
  for (long n = 0; n < operations; ++n) {
    const std::size_t who = random() % clients.size();
    const auto op = random() % 100;
    CAPTURE(n);
    CAPTURE(who);
    CAPTURE(op);
    if (op < 48 || model.value > 100) {
      REQUIRE(clients[who].ask(Command::acquire) == (model.acquire(who) ? yes : no));
    } else if (op < 94) {
      REQUIRE(clients[who].ask(Command::release) == (model.release(who) ? yes : refused));
    } else {
      clients.kill(who);
      model.die(who);
      // Who looks at the value gives back for the dead: from here on the order in which it was noticed is the model's.
    }
    REQUIRE(static_cast<long>(semaphore.get_value()) == model.value);
  }
}

// ---- conditions -----------------------------------------------------------------------------------------------------

/// Some wait, some die waiting, and each notification wakes exactly one of those that live, the one that has waited longest.
void condition_walk(const Condition& condition, std::uint64_t seed, long rounds) {
  Random random(seed);
  Clients clients(6, [condition](Command c) {
    return attempt([&] {
      condition.acquire();
      const bool notified = c == Command::wait && condition.wait(60s);
      condition.release();
      return notified ? yes : no;
    });
  });
  std::deque<std::size_t> waiting;
  const auto counted = [&] {
    std::ostringstream text;
    text << condition;
    return static_cast<std::size_t>(std::stoul(text.str().substr(text.str().rfind(' '))));
  };
  const auto notify = [&](std::size_t n) {
    condition.acquire();
    condition.notify(n);
    condition.release();
  };
  const auto wait_longer = [&](std::size_t who) {
    clients[who].tell(Command::wait);
    waiting.push_back(who);
    REQUIRE(eventually([&] { return counted() == waiting.size(); }, 10s));
  };
  for (long n = 0; n < rounds; ++n) {
    CAPTURE(n);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (std::ranges::find(waiting, i) == waiting.end() && random() % 2 == 0) wait_longer(i);
    }
    if (!waiting.empty() && random() % 3 != 0) {
      const std::size_t victim = waiting[random() % waiting.size()];
      clients.kill(victim);
      std::erase(waiting, victim);
    }
    const std::size_t wakes = random() % 3;
    notify(wakes);
    std::size_t woken = std::min(wakes, waiting.size());
    if (woken != 0 && random() % 4 == 0) {
      // One that is notified may die before it wakes up: then the next one wakes up in its place, if there is one. notify()
      // sees to the dead first.
      clients.kill(waiting.front());
      waiting.pop_front();
      notify(0);
      const std::size_t left = counted();
      REQUIRE(left <= waiting.size());
      REQUIRE(waiting.size() - left >= woken - 1);
      REQUIRE(waiting.size() - left <= woken);
      woken = waiting.size() - left;
    }
    for (; woken != 0; --woken) {
      REQUIRE(clients[waiting.front()].answer_within(10s) == std::optional(yes));
      waiting.pop_front();
    }
    for (const std::size_t who : waiting) REQUIRE(!clients[who].answer_within(0ms));
  }
}

}  // namespace

TEST_CASE("Lock and RLock behave as their models, with deaths") {
  PARTAGE_SHOW_SEED();
  Manager manager;
  lock_walk(manager.Lock(), false, test_seed(), repeats(1'500));
  lock_walk(manager.RLock(), true, test_seed() + 1, repeats(1'500));
  lock_walk(Lock(), false, test_seed() + 2, repeats(1'500));
  lock_walk(RLock(), true, test_seed() + 3, repeats(1'500));
}

TEST_CASE("Semaphores behave as their model, with deaths") {
  PARTAGE_SHOW_SEED();
  Manager manager;
  semaphore_walk(manager.Semaphore(3), {.initial = 3, .bounded = false, .signal = false}, test_seed(), repeats(1'500));
  semaphore_walk(manager.BoundedSemaphore(3), {.initial = 3, .bounded = true, .signal = false}, test_seed() + 1,
                 repeats(1'500));
  semaphore_walk(Semaphore(2, {.signal = true}), {.initial = 2, .bounded = false, .signal = true}, test_seed() + 2,
                 repeats(1'500));
  semaphore_walk(Semaphore(0), {.initial = 0, .bounded = false, .signal = false}, test_seed() + 3, repeats(1'500));
  semaphore_walk(BoundedSemaphore(20), {.initial = 20, .bounded = true, .signal = false}, test_seed() + 4,
                 repeats(1'500));
}

TEST_CASE("Condition behaves as its model, with deaths") {
  PARTAGE_SHOW_SEED();
  Manager manager;
  condition_walk(manager.Condition(), test_seed(), repeats(100));
  condition_walk(Condition(Lock()), test_seed() + 1, repeats(100));
}

TEST_SUITE("full:model") {
  TEST_CASE("locks, semaphores and conditions with deaths: long walks") {
    PARTAGE_SHOW_SEED();
    Manager manager;
    for (std::uint64_t i = 0; i < 5; ++i) {
      lock_walk(manager.Lock(), false, test_seed() + i, 20'000);
      lock_walk(manager.RLock(), true, test_seed() + i, 20'000);
      semaphore_walk(manager.Semaphore(3), {.initial = 3, .bounded = false, .signal = false}, test_seed() + i, 20'000);
      semaphore_walk(manager.BoundedSemaphore(3), {.initial = 3, .bounded = true, .signal = false}, test_seed() + i,
                     20'000);
      condition_walk(manager.Condition(), test_seed() + i, 500);
    }
  }
}

}  // namespace partage::test
