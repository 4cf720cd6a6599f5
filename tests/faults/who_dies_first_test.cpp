// Owner, manager and client are killed, in every order: who is left works on, and at the end nothing is left behind but
// what a named segment promises to keep.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <partage/partage.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/processes.hpp"
#include "tests/support/shm_litter.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;

enum Role { owner, manager, client };
constexpr const char* role_names[] = {"owner", "manager", "client"};

/// What the processes tell in memory that survives them.
struct Told {
  std::atomic<pid_t> pid[3]{};
  std::atomic<long> works[3]{};  // data operations that succeeded; the manager's stays 0
};

class SharedTold {
 public:
  SharedTold() : told_(map()) {}
  SharedTold(const SharedTold&) = delete;
  SharedTold& operator=(const SharedTold&) = delete;
  ~SharedTold() { munmap(told_, sizeof(Told)); }
  Told* operator->() const { return told_; }

 private:
  static Told* map() {
    void* p = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED);
    return new (p) Told;
  }
  Told* told_;
};

bool gone(pid_t pid) {
  const char state = process_state(pid);
  return state == 0 || state == 'Z';
}

/// A process that works on a list and a dict for ever.
[[noreturn]] void work(const ListProxy<int>& list, const DictProxy<std::string, long>& dict, std::atomic<long>& works) {
  for (;;) {
    list.append(1);
    dict["n"] += 1;
    list.pop();
    ++works;
  }
}

/// The owner of a manager and a client of it, both at work. The pid of the owner is the test's child.
void start_all(ChildGroup& group, const SharedTold& told, const std::string& name) {
  group.start([&told, name] {
    Manager m({.name = name});
    const auto list = m.list<int>(named("list"));
    const auto dict = m.dict<std::string, long>(named("dict"), {{"n", 0}});
    Process other([=, &told] { work(list, dict, told->works[client]); });
    other.start();
    told->pid[manager] = m.pid();
    told->pid[client] = other.pid();
    told->pid[owner] = getpid();
    work(list, dict, told->works[owner]);
  });
  REQUIRE(eventually([&] { return told->works[owner] > 0 && told->works[client] > 0; }, 20s));
}

void kill_in_order(const std::vector<Role>& order, const std::string& name) {
  std::string text;
  for (const Role role : order) text += std::string(text.empty() ? "" : ", ") + role_names[role];
  CAPTURE(text);
  CAPTURE(name);
  const SharedTold told;
  ChildGroup group;
  start_all(group, told, name);
  bool manager_lived_on = false;
  for (std::size_t i = 0; i < order.size(); ++i) {
    CAPTURE(role_names[order[i]]);
    if (order[i] == manager) {
      // With nobody attached it ends by itself.
      manager_lived_on = i == 2;
      if (!manager_lived_on) ::kill(told->pid[manager], SIGKILL);
    } else if (order[i] == owner) {
      group.kill(told->pid[owner]);
    } else {
      ::kill(told->pid[client], SIGKILL);
    }
    REQUIRE(eventually([&] { return gone(told->pid[order[i]]); }, 10s));
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      if (order[j] == manager) continue;
      const long before = told->works[order[j]];
      CHECK(eventually([&] { return told->works[order[j]] > before + 1; }, 10s));
    }
  }
  if (!name.empty() && !manager_lived_on) {
    // The segment waits under its name for the next manager, with everything in it.
    Manager next({.name = name});
    const auto dict = next.dict<std::string, long>(named("dict"));
    const long works = told->works[owner] + told->works[client];
    CHECK(dict.at("n") >= works);
    CHECK(dict.at("n") <= works + 2);
    CHECK(next.list<int>(named("list")).size() <= 2);
    CHECK(next.objects().size() == 2);
  }
}

}  // namespace

TEST_CASE("owner, manager and client killed in every order: who is left works on, nothing is left behind") {
  std::vector<Role> order = {owner, manager, client};
  int n = 0;
  do {
    for (const bool with_name : {false, true}) {
      const NoLitter no_litter;
      kill_in_order(order, with_name ? "dies-" + std::to_string(getpid()) + "-" + std::to_string(++n) : "");
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("owner, manager and clients killed at once: a private segment leaves nothing") {
  const NoLitter no_litter;
  const SharedTold told;
  ChildGroup group;
  start_all(group, told, "");
  for (const Role role : {manager, client}) ::kill(told->pid[role], SIGKILL);
  group.kill(told->pid[owner]);
  for (const Role role : {owner, manager, client}) CHECK(eventually([&] { return gone(told->pid[role]); }, 10s));
}

}  // namespace partage::test
