// The harness must be able to fail: a right operation passes in every mode, and each kind of fault is found by the mode
// that is there to find it.
#include "../support/stepkill.hpp"
#include "../support/stepkill_check.hpp"
#include "../support/tracee.hpp"
#include "toy.hpp"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

using namespace partage::test;

namespace {

Subject subject_of(ToyMemory& memory, const char* name, std::function<void(Toy&)> operation) {
  Toy& toy = memory.toy();
  return {.name = name,
          .image = memory.image(),
          .operate = [&toy, operation = std::move(operation)] { operation(toy); },
          .judge = [](const Image& image) { return toy_judge(toy_in(image), 1, 2); },
          .recover =
              [](const Image& image) {
                if (toy_in(image).lock() == 0) toy_in(image).unlock();
              }};
}

void set_right(Toy& toy) {
  if (toy.lock() != 0) throw std::runtime_error("the mutex is lost");
  toy.set(2);
  toy.unlock();
}

void waste_instructions(int rounds) {
  for (int i = 0; i < rounds; ++i) asm volatile("nop; nop; nop" ::: "memory");
}

Result shown(Result result) {
  std::fputs(format(result).c_str(), stdout);
  return result;
}

bool found(const Result& result, const char* text) {
  for (const Failure& failure : result.failures)
    if (failure.what.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a right operation is good in every mode") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "right", set_right);
  StepkillReport report("SELFTEST TOTAL");
  check_atomic(report.add(pass(subject)));
  check_atomic(report.add(real(subject, Selection::every())));
  check_atomic(report.add(real(subject, Selection::changed_and(mutex_code().add_functions_named("Toy::set")))));
  check_atomic(report.add(recovery(subject, 1)));
  CHECK(memory.toy().a == 1);  // the image is put back
  CHECK(report.total().kills > 300);
}

TEST_CASE("breakpoints and plain stepping reach the same boundaries") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "right, with loops", [](Toy& toy) {
    if (toy.lock() != 0) throw std::runtime_error("the mutex is lost");
    for (int i = 0; i < 50; ++i) toy.log_a = static_cast<std::uint64_t>(i);
    char buffer[64];
    asm volatile("rep stosb" : : "D"(buffer), "c"(sizeof buffer), "a"(0) : "memory");
    ::syscall(SYS_getppid);
    toy.set(2);
    toy.unlock();
  });
  const Result quick = shown(real(subject, Selection::every(29)));
  const Result slow = shown(real(subject, Selection::every(29), {.breakpoints = false}));
  check_atomic(quick);
  check_atomic(slow);
  CHECK(quick.strayed == 0);
  CHECK(slow.strayed == 0);
  CHECK(quick.kills == slow.kills);
  CHECK(quick.old_states == slow.old_states);
  CHECK(quick.instructions > 64);
  check_atomic(shown(real(subject, Selection::every())));
}

/// Where the stack of a victim's body begins, if it is started `deeper` bytes further down in this process's own.
[[gnu::noinline]] std::uintptr_t stack_of_victim(std::size_t deeper) {
  auto* padding = static_cast<volatile char*>(__builtin_alloca(deeper + 16));
  padding[0] = 0;
  Tracee victim(nullptr, [] {});
  const std::uintptr_t stack = victim.registers().stack;
  CHECK(victim.failure() == "");
  return stack;
}

TEST_CASE("victims run at one address of the stack, however deep they are started") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  const std::uintptr_t first = stack_of_victim(0);
  std::size_t others = 0;
  for (std::size_t deeper = 0; deeper < std::size_t{64} << 10; deeper += 500)
    others += stack_of_victim(deeper) != first;
  CHECK(others == 0);
  std::uintptr_t in_thread = 0;
  std::thread([&] { in_thread = stack_of_victim(0); }).join();
  CHECK(in_thread != first);
  CHECK(in_thread != 0);
}

TEST_CASE("two plain stores are found by pass and by real") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "two plain stores", [](Toy& toy) {
    if (toy.lock() != 0) return;
    toy.a = 2;
    toy.b = 2;
    toy.unlock();
  });
  const Result passed = shown(pass(subject));
  CHECK(passed.bad == 1);
  CHECK(found(passed, "the judge says 2"));
  CHECK(shown(real(subject, Selection::every())).bad > 0);
  CHECK(shown(real(subject, Selection::changed_and({}))).bad == 1);
}

TEST_CASE("check_atomic fails for a bad result" * doctest::should_fail()) {
  if (!why_no_stepping().empty()) FAIL("no stepping here");
  ToyMemory memory;
  check_atomic(pass(subject_of(memory, "two plain stores", [](Toy& toy) {
    toy.a = 2;
    toy.b = 2;
  })));
}

TEST_CASE("check_atomic fails for an operation that does nothing" * doctest::should_fail()) {
  if (!why_no_stepping().empty()) FAIL("no stepping here");
  ToyMemory memory;
  check_atomic(pass(subject_of(memory, "nothing", [](Toy&) {})));
}

TEST_CASE("new, then old again") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "there and back", [](Toy& toy) {
    for (const std::uint64_t value : {2u, 1u, 2u}) {
      if (toy.lock() != 0) return;
      toy.set(value);
      toy.unlock();
    }
  });
  const Result passed = shown(pass(subject));
  CHECK(passed.bad == 0);
  CHECK_FALSE(passed.monotonic);
  CHECK_FALSE(shown(real(subject, Selection::changed_and({}))).monotonic);
}

TEST_CASE("a recovery that may not be killed is found by recovery mode only") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  // Repairs, but forgets the log before it is applied.
  const auto repair = [](Toy& toy) {
    const int error = ::pthread_mutex_lock(&toy.mutex);
    if (error == EOWNERDEAD) {
      if (toy.committed) {
        toy.committed = 0;
        toy.a = toy.log_a.load();
        toy.b = toy.log_b.load();
      }
      ::pthread_mutex_consistent(&toy.mutex);
    }
    if (error != ENOTRECOVERABLE) ::pthread_mutex_unlock(&toy.mutex);
  };
  Subject subject = subject_of(memory, "broken recovery", set_right);
  subject.recover = [&](const Image& image) { repair(toy_in(image)); };
  const auto judge = subject.judge;
  subject.judge = [&, judge](const Image& image) {
    repair(toy_in(image));
    return judge(image);
  };
  check_atomic(shown(pass(subject)));
  check_atomic(shown(real(subject, Selection::every())));
  const Result killed = shown(recovery(subject, 1));
  CHECK(killed.bad > 0);
  CHECK(found(killed, "the judge says"));
}

TEST_CASE("a lock outside the robust list is found by real kills only") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "lock by compare-exchange", [](Toy& toy) {
    auto word = std::atomic_ref<int>(toy.mutex.__data.__lock);
    int expected = 0;
    if (!word.compare_exchange_strong(expected, ::gettid())) return;
    toy.set(2);
    word = 0;
  });
  check_atomic(shown(pass(subject)));
  const Result killed = shown(real(subject, Selection::changed_and(mutex_code())));
  CHECK(killed.bad > 0);
  CHECK(found(killed, "the judge says 3"));
}

TEST_CASE("unlock without consistent loses the mutex") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const auto holder = fork();
  if (holder == 0) ::_exit(memory.toy().lock());
  ::waitpid(holder, nullptr, 0);  // the next locker gets EOWNERDEAD
  const Subject subject = subject_of(memory, "unlock without consistent", [](Toy& toy) {
    if (::pthread_mutex_lock(&toy.mutex) != EOWNERDEAD) throw std::runtime_error("this should be owner-dead");
    toy.repair();
    toy.set(2);
    toy.unlock();
  });
  const Selection code = Selection::changed_and(mutex_code());
  CHECK(found(shown(pass(subject)), "the judge says 3"));
  CHECK(found(shown(real(subject, code)), "the judge says 3"));
}

TEST_CASE("chosen code has the unnamed parts of glibc's lock in it") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const Subject subject = subject_of(memory, "lock and unlock", set_right);
  const Result changed = shown(real(subject, Selection::changed_and({})));
  const Result code = shown(real(subject, Selection::changed_and(mutex_code())));
  CHECK(code.kills > changed.kills + 50);  // robust lock + unlock: 100 instructions, nearly all behind tail jumps
  CHECK_THROWS_AS(CodeSet().add_functions_named("no such function"), std::invalid_argument);
  const Subject marked = subject_of(memory, "region by hand", [](Toy& toy) {
    if (toy.lock() != 0) return;
    code_region_begin();
    waste_instructions(20);
    code_region_end();
    toy.set(2);
    toy.unlock();
  });
  CHECK(shown(real(marked, Selection::changed_and({}))).kills > changed.kills + 60);
}

TEST_CASE("an operation that grows the image") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory(1 << 20);
  memory.toy().used = 128 << 10;
  Subject subject = subject_of(memory, "growth", [](Toy& toy) {
    if (toy.lock() != 0) return;
    auto* bytes = reinterpret_cast<char*>(&toy);
    bytes[200 << 10] = 'x';
    toy.used = 256 << 10;
    toy.set(2);
    toy.unlock();
  });
  const auto judge = subject.judge;
  subject.judge = [&](const Image& image) {
    const bool grown = image[0].used_bytes() == 256 << 10;
    const char there = static_cast<char>(image[0].base[200 << 10]);
    const int verdict = judge(image);
    return verdict == 1 && (!grown || there != 'x') ? 20 : verdict;
  };
  check_atomic(shown(pass(subject)));
  check_atomic(shown(real(subject, Selection::changed_and(mutex_code()))));
  check_atomic(shown(recovery(subject, 4)));
  CHECK(memory.toy().used == 128 << 10);
}

TEST_CASE("a store through a second mapping of a big image is not missed") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  const Image shape{{.reserved = 256 << 10}};
  const Mirror memory(shape);
  const Part& part = memory.image()[0];
  void* second = ::mmap(nullptr, part.reserved, PROT_READ | PROT_WRITE, MAP_SHARED, part.fd, 0);
  REQUIRE(second != MAP_FAILED);
  const Subject subject{.name = "second mapping",
                        .image = memory.image(),
                        .operate =
                            [&] {
                              auto* word = static_cast<volatile char*>(second) + (100 << 10);
                              *word = 1;  // 1, then 2: the judge takes 1 as broken
                              *word = 2;
                              waste_instructions(500);
                            },
                        .judge =
                            [](const Image& image) {
                              const auto value = static_cast<int>(image[0].base[100 << 10]);
                              return value == 0 ? 0 : value == 2 ? 1 : 7;
                            }};
  const Result result = shown(pass(subject));
  CHECK(result.bad == 1);
  CHECK(result.old_states == 1);
  CHECK(result.new_states == 1);
  ::munmap(second, part.reserved);
}

TEST_CASE("operations and judges that come to a wrong end are reported") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ToyMemory memory;
  const auto error_of = [&](std::function<void(Toy&)> operation) {
    const Result result =
        shown(pass(subject_of(memory, "wrong end", std::move(operation)), {.stuck = std::chrono::seconds(1)}));
    CHECK_FALSE(result.good());
    return result.error;
  };
  CHECK(error_of([](Toy&) { throw std::runtime_error("no room"); }) == "threw: no room");
  CHECK(error_of([](Toy&) { ::raise(SIGUSR1); }).find("died of") == 0);
  CHECK(error_of([](Toy&) { ::_exit(3); }) == "called exit(3)");
  CHECK(error_of([](Toy&) {
          if (::fork() == 0) ::_exit(0);
        }).find("started a process") == 0);
  CHECK(error_of([](Toy& toy) {
          ::pthread_mutex_lock(&toy.mutex);
          ::pthread_mutex_lock(&toy.mutex);
        }).find("made no progress") == 0);

  Subject subject = subject_of(memory, "judges", set_right);
  subject.judge = [](const Image&) -> int { throw std::runtime_error("a word too many"); };
  CHECK(found(shown(pass(subject)), "threw: a word too many"));
  subject.judge = [](const Image&) -> int { ::abort(); };
  CHECK(found(shown(pass(subject)), "died of Aborted"));
  subject.judge = [](const Image&) -> int {
    for (;;) ::pause();
  };
  CHECK(found(shown(pass(subject, {.judge_timeout = std::chrono::milliseconds(20)})), "time was up"));
}
