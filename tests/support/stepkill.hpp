// The single-step kill harness: kills an operation on shared memory at its instruction boundaries and has the remains
// repaired and judged. Old state or new state, nothing else, and never old again once it was new.
//
//   Subject subject{.name = "list append", .image = {{.base = base, .reserved = size, .fd = fd, .used = committed_at}},
//                   .operate = [&] { list.append("x"); },
//                   .judge = [&](const Image& image) { Segment copy(image[0].fd);  return state_of(copy); }};
//   check_atomic(pass(subject));                                       // stepkill_check.hpp
//   check_atomic(real(subject, Selection::changed_and(mutex_code().add_functions_named("Journal::commit"))));
//   subject.recover = [](const Image& image) { Segment(image[0].fd).repair(); };   check_atomic(recovery(subject, 10));
//
// `image` must hold the state before the operation; every mode puts it back before each run and at the end.
//
// pass      ONE stepped run. After every instruction that changed the image: copy it, mark the robust mutexes the
//           victim owns as owner-dead, repair and judge the copy in a fresh process. O(n). The copy has the victim's
//           memory, not its death: the robust list is not tested, and the victim's pid is still alive (see on_death).
// real      Per chosen boundary: put the image back, run a new victim up to it, SIGKILL it, judge the ORIGINAL image.
//           One surveying run records the path; later victims reach their boundary with a software breakpoint where
//           possible and by stepping otherwise, and if one strayed from the path, by stepping alone.
// recovery  Like pass, but from every n-th state on: judge it, then step the recoverer on it as a second victim, and
//           judge every state IT passes through. All must come out as the first judgement did.
//
// Link tests with -Wl,-z,now, or the first call of every library function steps through the dynamic linker (700
// instructions).
// Callbacks run in forked children, one process per victim and per judgement: they may crash, hang or throw (text and
// place are reported), must not start processes (operate, recover), and must not use CHECK (nobody would see it).
// Not covered: interleavings with other live processes (use storms), weakly ordered processors, power loss, memory
// above `used`, private memory that the next process would inherit.
#pragma once

#include "code_set.hpp"
#include "image.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace partage::test {

/// What is tested.
struct Subject {
  std::string name{};
  Image image{};
  /// Runs in the victim, unstepped, just before operate(): attach, resolve symbols, warm caches. May be empty.
  std::function<void()> prepare{};
  /// Runs in the victim; stepped.
  std::function<void()> operate{};
  /// Repairs the image, verifies it, tries to use it. 0 = the state before, 1 = the state after, 2..99 = broken; or
  /// throws. Attach by fd or base of the image it is given: in pass and recovery it is a copy at another address.
  std::function<int(const Image&)> judge{};
  /// Repairs the image; stepped in recovery mode.
  std::function<void(const Image&)> recover{};
  /// Offsets of the robust mutexes of part i of the image. Empty: they are found by held_robust_mutexes().
  std::function<std::vector<std::size_t>(const Image&, std::size_t part)> mutexes{};
  /// Tells a copy that thread `tid` is dead, where anything but a mutex shows it (such as a pid in a client slot). May
  /// be empty.
  std::function<void(const Image&, pid_t tid)> on_death{};
};

/// Which boundaries `real` kills at. `stride` keeps every n-th of them.
struct Selection {
  bool everything = true;
  CodeSet code{};
  long stride = 1;

  static Selection every(long stride = 1) { return {true, {}, stride}; }
  /// After every instruction that changed the image, and everywhere inside `code`.
  static Selection changed_and(CodeSet code, long stride = 1) { return {false, std::move(code), stride}; }
  /// every() if the environment says PARTAGE_STEPKILL=full, else changed_and(code).
  static Selection from_environment(CodeSet code);
};

struct Options {
  std::chrono::milliseconds judge_timeout{10'000};
  std::chrono::seconds stuck{20};  ///< a victim that needs longer for one instruction is in a deadlock
  std::size_t compare_all_below =
      16 * 1024;            ///< images up to this size are compared whole, without looking for written pages
  bool breakpoints = true;  ///< `real` only: reach boundaries with breakpoints
};

/// One boundary with a wrong end. The first few are kept.
struct Failure {
  long instruction;           ///< boundary in the operation
  long recovery_instruction;  ///< boundary in the recoverer, or -1
  std::string where;          ///< "function+0x1c": the instruction that would have come next
  std::string what;
};

struct Result {
  std::string name{};
  const char* mode = "";
  long instructions = 0;  ///< of the operation (recovery: of all recoverers)
  long first_kills = 0;   ///< recovery mode: states the recoverers started from
  long kills = 0;         ///< states judged
  long old_states = 0;
  long new_states = 0;
  long bad = 0;
  long strayed = 0;  ///< `real`: victims killed beside the surveyed path, because it differs from run to run
  bool monotonic = true;
  double seconds = 0;
  std::string error{};  ///< the run itself failed: the operation threw, crashed, hung, forked
  std::vector<Failure> failures{};

  bool good() const { return bad == 0 && monotonic && kills > 0 && error.empty(); }
};

Result pass(const Subject& subject, const Options& options = {});
Result real(const Subject& subject, const Selection& selection, const Options& options = {});
Result recovery(const Subject& subject, long every, const Options& options = {});

}  // namespace partage::test
