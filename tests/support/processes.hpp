// Child processes of tests: run one and judge its end, keep several and be sure that they go, wait with a deadline.
//
//   ChildResult r = run_child([] { return work() ? 0 : 1; }, 5s);      // int or void; exceptions come back as text
//   CHECK_MESSAGE(r.ok(), r.describe());
//   ChildGroup group;                                               // its destructor kills and reaps, whatever fails
//   pid_t writer = group.start([&] { write_for_ever(); });
//   group.kill(writer);  CHECK(eventually([&] { return repaired(); }, 2s));
//
// A child ends with _exit: no destructors of statics, no doctest summary. It dies when the thread that started it ends
// (PR_SET_PDEATHSIG), so nothing outlives the test run. Its children are its own affair.
// Not covered: a failed CHECK in a child is printed but does not reach the parent; return a code, throw, or use
// REQUIRE.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <utility>

namespace partage::test {

/// How a child ended.
struct ChildResult {
  enum class End { exited, signaled, threw, timed_out };
  End end = End::exited;
  int code = 0;        ///< exit status, or the signal
  std::string text{};  ///< what() of the uncaught exception

  bool ok() const { return end == End::exited && code == 0; }
  std::string describe() const;
};

namespace detail {
struct StartedChild {
  pid_t pid;
  int text_fd;
};
StartedChild start_child(const std::function<int()>& body);
ChildResult finish_child(const StartedChild& child, std::chrono::milliseconds timeout);

template <class Fn>
std::function<int()> as_body(Fn fn) {
  if constexpr (std::is_void_v<std::invoke_result_t<Fn&>>) {
    return [fn = std::move(fn)]() mutable {
      fn();
      return 0;
    };
  } else {
    return fn;
  }
}
}  // namespace detail

/// Runs `fn` in a forked child and waits for its end; past `timeout` the child is killed.
template <class Fn>
ChildResult run_child(Fn fn, std::chrono::milliseconds timeout) {
  return detail::finish_child(detail::start_child(detail::as_body(std::move(fn))), timeout);
}

/// Children that end with this object at the latest.
class ChildGroup {
 public:
  ChildGroup() = default;
  ~ChildGroup();
  ChildGroup(const ChildGroup&) = delete;
  ChildGroup& operator=(const ChildGroup&) = delete;

  template <class Fn>
  pid_t start(Fn fn) {
    return adopt(detail::start_child(detail::as_body(std::move(fn))));
  }

  /// Waits for the end of one child; past `timeout` it is killed. A child can be waited for once.
  ChildResult wait(pid_t pid, std::chrono::milliseconds timeout);
  /// SIGKILLs one child and reaps it.
  void kill(pid_t pid);
  std::size_t size() const { return children_.size(); }

 private:
  pid_t adopt(detail::StartedChild child);

  std::map<pid_t, int> children_;  // pid -> descriptor of its text
};

/// Gives fatal signals back their default action: in a forked child doctest's handlers would print a second test
/// report.
void reset_fatal_signals();

/// SIGKILLs a child of this process and waits until it is gone.
void sigkill_and_reap(pid_t child);

/// State letter of /proc/<pid>/stat ('R', 'S', 'T', 'Z'...), or 0 if there is no such process.
char process_state(pid_t pid);

/// SIGSTOPs any process and waits until it stands still; false if it does not within a second.
bool pause_process(pid_t pid);
void resume_process(pid_t pid);

/// Asks `holds` every millisecond until it says true or the time is up. The last answer.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds deadline);

}  // namespace partage::test
