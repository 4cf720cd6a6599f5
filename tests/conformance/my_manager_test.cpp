// CPython's _TestMyManager: a manager with a type of one's own, and the ways it ends.
//
// There a class is registered and its methods are called in the manager process. Here any type can be stored, its
// functions run in modify(), in the process that calls, and what is private in C++ is not reached.
#include <signal.h>

#include <vector>

#include "worlds.hpp"

using namespace partage;
using namespace partage::test;

namespace {

class FooBar {
 public:
  std::string f() {
    calls_ += 1;
    return "f()";
  }
  void g() {
    calls_ += 1;
    throw ValueError("g()");
  }
  int calls() const { return calls_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& calls_;
  }

 private:
  int calls_ = 0;
};

void common(const Manager& manager) {
  const auto foo = manager.list<FooBar>({FooBar()});
  CHECK(foo.modify(0, [](FooBar& x) { return x.f(); }) == "f()");
  CHECK(foo.at(0).calls() == 1);
  CHECK_THROWS_WITH_AS(foo.modify(0, [](FooBar& x) { x.g(); }), "g()", ValueError);
  CHECK(foo.at(0).calls() == 1);  // what throws has changed nothing

  Worker child(Worker::Kind::process, [=] { foo.modify(0, [](FooBar& x) { return x.f(); }); });
  CHECK(child.join() == "");
  CHECK(foo.at(0).calls() == 2);

  // baz: a generator; a list, here.
  const auto baz = manager.list<int>();
  for (int i = 0; i < 10; ++i) baz.append(i * i);
  std::vector<int> seen;
  for (const int x : baz) seen.push_back(x);
  CHECK(seen == std::vector<int>{0, 1, 4, 9, 16, 25, 36, 49, 64, 81});
}

bool gone(pid_t pid) {
  return eventually([&] { return ::kill(pid, 0) != 0; }, 10s);
}

}  // namespace

TEST_CASE("_TestMyManager.test_mymanager: started, used and shut down") {
  Manager manager;
  const pid_t pid = manager.pid();
  CHECK(manager.is_alive());
  common(manager);
  manager.shutdown();
  CHECK(gone(pid));
  CHECK_THROWS_AS((void)manager.list<int>(), ManagerShutdown);
}

TEST_CASE("_TestMyManager.test_mymanager_context: ended by the scope") {
  pid_t pid = 0;
  {
    const Manager manager;
    pid = manager.pid();
    common(manager);
  }
  CHECK(gone(pid));
}

TEST_CASE("_TestMyManager.test_mymanager_context_prestarted: started elsewhere, ended by the scope") {
  Manager started;
  const pid_t pid = started.pid();
  {
    const Manager manager(std::move(started));
    CHECK(manager.pid() == pid);
    common(manager);
  }
  CHECK(gone(pid));
}
