// The stage of the kill tests of what processes wait for: locks, semaphores, conditions, events, barriers and queues. The one
// who is killed is a client of its own, so that its death matters to the others, who are the test's process (client 1, alive)
// and clients that died before and that nobody has reaped yet.
//
//   SyncBench bench({.name = "lock release", .prepare = [](Party& p) { p.lock().acquire(std::nullopt); },
//                    .run = [](Party& p) { p.lock().release(); },
//                    .before = "lock: free, its holder died", .after = "lock: free"});
//   check_atomic(pass(bench.subject(Look::at_remains)));
//
// `before` and `after` are lines of dump(): what is left of an operator that died before, or after, the operation, when it is
// repaired and reaped. The remains themselves, repaired but not reaped, are compared too, unless the operation is several
// commits: then what lies in between is what the judge of the end allows.
#pragma once

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/stepkill.hpp"
#include "tests/support/stepkill_check.hpp"
#include "tests/support/stepkill_report.hpp"

namespace partage::test {

/// What there is in the segment; made by SyncBench.
struct SyncRefs {
  ObjectRef lock, rlock, semaphore, bounded, signal, condition, event, barrier;
  ObjectRef packed;                // a queue of numbers, at most 4: 1 2
  ObjectRef queue;                 // of strings: "in", a blob, a run of its own
  ObjectRef sparse;                // of strings, in a ring that the next get makes smaller
  ObjectRef crowded;               // of strings, in a ring that the next put makes larger
  ObjectRef parcels;               // a queue of handles: to `list`, and text with it
  ObjectRef joinable, deliveries;  // the same as `queue`, at most 3, and `parcels`, to be finished
  ObjectRef messages;              // a queue of messages of types 5 to 1: "in", a blob, a run of its own, "x", "y"
  ObjectRef list, dict;            // "one" "two"; "k": "v"
};

/// The objects as one process sees them, in the segment or in a copy of it.
class Party {
 public:
  Party(kernel::Segment& segment, const SyncRefs& refs) : segment_(&segment), refs_(refs) {}

  kernel::Segment& segment() const { return *segment_; }
  const SyncRefs& refs() const { return refs_; }
  kernel::u64 body(ObjectRef ref) const { return kernel::Objects(*segment_).find(kernel::index_of(ref))->body.load(); }

  kernel::Lock lock() const { return {*segment_, body(refs_.lock)}; }
  kernel::Lock rlock() const { return {*segment_, body(refs_.rlock)}; }
  kernel::Semaphore semaphore() const { return {*segment_, body(refs_.semaphore)}; }  // 100 permits
  kernel::Semaphore bounded() const { return {*segment_, body(refs_.bounded)}; }      // 2 permits
  kernel::Semaphore signal() const { return {*segment_, body(refs_.signal)}; }        // 1, handed over
  kernel::Condition condition() const { return {*segment_, body(refs_.condition)}; }  // of rlock
  kernel::Event event() const { return {*segment_, body(refs_.event)}; }
  kernel::Barrier barrier() const { return {*segment_, body(refs_.barrier)}; }  // of 2
  kernel::Queue queue(ObjectRef ref) const { return {*segment_, body(ref)}; }
  kernel::List list() const { return {*segment_, body(refs_.list)}; }
  kernel::Dict dict() const { return {*segment_, segment_->at<kernel::DictBody>(body(refs_.dict))}; }
  kernel::Lives lives() const { return kernel::Lives(*segment_); }

  /// Does it in the name of the test's process, which lives on.
  template <class Fn>
  void as_first(Fn fn) {
    const kernel::u64 self = std::exchange(segment_->client_slot, 1);
    fn(*this);
    segment_->client_slot = self;
  }
  /// A client that does it and dies, and that nobody reaps.
  void as_one_that_dies(const std::function<void(Party&)>& life);
  kernel::ClientId last_client() const { return kernel::Clients(*segment_).list().back().id; }

  kernel::u64 ticket = 0;  // of the condition or the barrier, from prepare() for run()

 private:
  kernel::Segment* segment_;
  SyncRefs refs_;
};

struct SyncOperation {
  using Step = std::function<void(Party&)>;
  const char* name;
  Step set{};      // by the test's process
  Step prepare{};  // by the operator, unstepped
  Step run{};
  std::string before{}, after{};  // lines of dump()
  bool several = false;           // commits
  std::string between{};          // of several commits: a line that the end may have as well
  bool visible = true;            // false: also the remains are the same
};

/// What the judge goes by.
enum class Look { at_remains, at_the_end };
/// What the repair that is killed does: all that whoever reaps does, which is over a thousand changes whatever was going on, or
/// only what concerns objects: locks of the dead, and what they held.
enum class Repair { all, of_objects };

class SyncBench {
 public:
  explicit SyncBench(SyncOperation operation);
  Subject subject(Look look, Repair repair = Repair::of_objects);
  const SyncOperation& operation() const { return operation_; }
  /// Whether the judge of remains can tell before from after.
  Changes changes() const { return operation_.visible && !operation_.several ? Changes::the_state : Changes::nothing; }

  /// Every object as text, a line for each, and who is attached.
  static std::string dump(const Party& party);

 private:
  struct Remains {
    std::string left, end;
  };
  void attach_operator();
  Remains remains(const Image& image, bool run);

  RegistryFixture at_;
  SyncOperation operation_;
  Party party_;
};

/// Every operation: killed after every change of the segment; and the repair of a third of them, in two places.
void kill_everywhere(const char* title, const std::vector<SyncOperation>& operations);
/// The long forms.
void kill_at_every_instruction(StepkillReport& report, const SyncOperation& operation);
void kill_every_repair(StepkillReport& report, const SyncOperation& operation);
/// What `real` kills inside of: lock, commit and unlock.
CodeSet commit_code();

/// The bytes of a message: its type, and text.
std::string message(std::int64_t type, const std::string& text);

inline kernel::Deadline long_ago() {
  return kernel::Clock::now() - std::chrono::seconds(1);
}
inline kernel::Deadline soon() {
  return kernel::Clock::now() + std::chrono::milliseconds(30);
}

}  // namespace partage::test
