// User code under a held stripe: writes are refused, reads never wait for each other, a fork inside owns nothing.

#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/container/list_fixture.hpp"
#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::ReadLock;
using kernel::Stripe;
using kernel::StripeLock;
using kernel::UserCodeScope;

}  // namespace

TEST_CASE("user code: writes inside are refused, outside they are not") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  CHECK_FALSE(UserCodeScope::active());
  kernel::refuse_in_user_code("append()");
  {
    const UserCodeScope scope(stripes[0]);
    CHECK(UserCodeScope::active());
    CHECK(UserCodeScope::holds(stripes[0]));
    CHECK_FALSE(UserCodeScope::holds(stripes[1]));
    CHECK_THROWS_AS(kernel::refuse_in_user_code("append()"), UsageError);
    CHECK(message_of([] { kernel::refuse_in_user_code("append()"); }).find("append()") != std::string::npos);
    {
      const UserCodeScope inner(std::vector<Stripe*>{&stripes[1]});
      CHECK(UserCodeScope::holds(stripes[0]));
      CHECK(UserCodeScope::holds(stripes[1]));
    }
    CHECK(UserCodeScope::active());
    CHECK_FALSE(UserCodeScope::holds(stripes[1]));
    bool elsewhere = true;
    std::thread([&] { elsewhere = UserCodeScope::active(); }).join();
    CHECK_FALSE(elsewhere);  // each thread for itself
  }
  CHECK_FALSE(UserCodeScope::active());
}

TEST_CASE("user code: an exception ends its scope") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  bool abandoned = false;
  CHECK_THROWS_AS(kernel::run_user_code(
                      stripes[0], [] { throw std::runtime_error("mine"); }, [&] { abandoned = true; }),
                  std::runtime_error);
  CHECK_FALSE(UserCodeScope::active());
  CHECK_FALSE(abandoned);
}

TEST_CASE("user code: a read lock locks, or passes where the stripe is held anyway") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  {
    const ReadLock lock(f.segment(), stripes[0]);
    CHECK(stripes[0].mutex.owner() == ::gettid());
  }
  CHECK(stripes[0].mutex.owner() == 0);
  const StripeLock held(f.segment(), stripes[0]);
  const UserCodeScope scope(stripes[0]);
  {
    const ReadLock own(f.segment(), stripes[0]);
    const ReadLock other(f.segment(), stripes[1]);
    CHECK(stripes[1].mutex.owner() == ::gettid());
  }
  CHECK(stripes[0].mutex.owner() == ::gettid());  // not released by the read
  CHECK(stripes[1].mutex.owner() == 0);
}

TEST_CASE("user code: a read lock repairs after the dead") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  die_after([&] {
    kernel::lock_stripe(f.segment(), stripes[1]);
    kernel::Change c(f.segment(), stripes[1]);
    c.open();
    ::raise(SIGKILL);
  });
  const StripeLock held(f.segment(), stripes[0]);
  const UserCodeScope scope(stripes[0]);
  const ReadLock lock(f.segment(), stripes[1]);
  CHECK_FALSE(kernel::Window::is_open(stripes[1]));
}

TEST_CASE("user code: a read of a stripe that stays locked ends with operation_timeout") {
  KernelFixture f;
  const auto stripes = f.stripes(2);
  f.segment().operation_timeout = 40ms;
  ChildGroup group;
  const pid_t holder = hold(group, stripes[1].mutex);
  const StripeLock held(f.segment(), stripes[0]);
  const UserCodeScope scope(stripes[0]);
  const std::string text = message_of([&] { const ReadLock lock(f.segment(), stripes[1]); });
  CHECK(text.find("operation_timeout") != std::string::npos);
  CHECK(text.find(std::to_string(holder)) != std::string::npos);
}

TEST_CASE("user code: a child forked inside owns no lock") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  StripeLock held(f.segment(), stripes[0]);
  const int parent = ::getpid();
  pid_t child = 0;
  std::string text;
  bool abandoned = false;
  try {
    kernel::run_user_code(
        stripes[0], [&] { child = ::fork(); }, [&] { abandoned = true; });
  } catch (const UsageError& e) {
    text = e.what();
  }
  if (::getpid() != parent) {
    held.abandon();
    ::_exit(abandoned && text.find("forked inside") != std::string::npos ? 0 : 1);
  }
  REQUIRE(child > 0);
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(text == "");
  CHECK_FALSE(abandoned);
  CHECK(stripes[0].mutex.owner() == ::gettid());
}

TEST_CASE("user code: two threads that read each other's list from inside modify() never deadlock") {
  ContainerFixture f;
  const kernel::List a = make_list(f, {}), b = make_list(f, {});
  for (int i = 0; i < 1000; ++i) {
    append(a, "element " + std::to_string(i));
    append(b, "element " + std::to_string(i));
  }
  std::atomic<int> inside{0};
  const auto work = [&](const kernel::List& mine, const kernel::List& other) {
    mine.modify(0, [&](BytesView, Bytes& next) {
      ++inside;
      while (inside < 2) std::this_thread::yield();
      kernel::ByteTable all;
      other.snapshot(all);
      if (all.size() != 1000 || other.size() != 1000 || !other.get(999, next)) throw std::runtime_error("misread");
    });
  };
  const ChildResult r = run_child(
      [&] {
        std::jthread first([&] { work(a, b); });
        work(b, a);
      },
      5s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

TEST_CASE("user code: two threads that read each other's dict from inside modify() never deadlock") {
  for (const unsigned stripes_log2 : {0u, 3u}) {
    ContainerFixture f;
    kernel::Dict a(f.segment(), f.make_dict({.stripes_log2 = stripes_log2})),
        b(f.segment(), f.make_dict({.stripes_log2 = stripes_log2}));
    a.set(view("k"), view("1"));
    b.set(view("k"), view("2"));
    std::atomic<int> inside{0}, have_read{0};
    const auto work = [&](kernel::Dict& mine, kernel::Dict& other, bool whole) {
      mine.modify(view("k"), nullptr, [&](BytesView, Bytes& next) {
        ++inside;
        while (inside < 2) std::this_thread::yield();  // both hold their own stripe now
        Bytes out;
        if (!other.get(view("k"), out) || !other.contains(view("k")) || other.size() != 1)
          throw std::runtime_error("misread");
        if (whole) {
          kernel::ByteTable keys, values;
          other.snapshot(&keys, &values);
          if (text(values[0]) != text(out)) throw std::runtime_error("misread");
        }
        ++have_read;
        while (have_read < 2) std::this_thread::yield();  // nobody writes while the other compares two reads
        next = out;
      });
    };
    for (const bool whole : {false, true}) {
      inside = have_read = 0;
      const ChildResult r = run_child(
          [&] {
            std::jthread first([&] { work(a, b, whole); });
            work(b, a, whole);
          },
          5s);
      CHECK_MESSAGE(r.ok(), (whole ? "snapshots: " : "single reads: "), r.describe());
    }
  }
}

}  // namespace partage::test
