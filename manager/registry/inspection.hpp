// Everything that can be said about whether a segment is whole: one pass over the heap, the tables, every object's container,
// what refers to what, and who owns which run.
//
// Nothing is followed before it was bounded: the segment may be damaged anywhere. Two ways of looking:
//   at rest    nobody works in the segment; also that nothing is half done: no lock held, no log, no run in transit, no
//              unfinished transaction, no dying object
//   live       others work on. Each part is looked at under its own locks; what concerns several of them at once (counts of
//              references, owners of runs) is only judged when none of them changed from the beginning of the pass to its end
//
// Thread and process safety: live: full. Lock order: collector -> one container at a time -> registry -> heap.
// Complexity: O(everything); memory of its own in proportion to the number of runs and references.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/registry/hosted.hpp"

namespace partage::kernel {

/// One thing that is wrong, or that could not be looked at.
struct Finding {
  enum class Verdict {
    damaged,
    quarantined,  // found before, and out of use since
    unchecked     // a living process holds its lock; the sentence names it
  };
  Verdict verdict = Verdict::damaged;
  ObjectRef object = 0;  // 0: a part of the segment that is not one object's
  std::string sentence;
  bool heap = false;  // what allocates must not go on
};

class Inspection {
 public:
  enum class Way { at_rest, live };

  Inspection(Segment& segment, Way way);

  /// One pass. At rest it ends with the first finding but for what is quarantined.
  std::vector<Finding> run();
  /// Objects that are shown, live in the last pass.
  std::size_t objects() const noexcept;
  /// The last pass has judged what concerns several parts at once.
  bool judged_all() const noexcept { return judged_all_; }

 private:
  struct LiveSlot {
    u32 index;
    ObjectRef ref;
    SlotWord word;
    u64 body;
  };

  bool at_rest() const noexcept { return way_ == Way::at_rest; }
  /// False: go no further.
  bool add(Finding::Verdict verdict, ObjectRef object, std::string sentence);
  template <class Check>
  bool look(ObjectRef object, Check&& check);

  std::string chunks() const;
  std::string records() const;
  std::string registry_stripe(std::size_t s);
  bool containers();
  std::string container(const LiveSlot& slot);
  Leftovers leftovers() const noexcept { return at_rest() ? Leftovers::damage : Leftovers::owned; }
  const char* log_of(const Stripe& s);
  std::string texts(const ObjectSlot& slot) const;
  std::string directory();
  std::string clients();
  std::string references() const;
  std::string ownership();
  u64 motion() const;

  Segment& segment_;
  Objects objects_;
  ObjectTable& table_;
  Way way_;
  std::vector<Finding> findings_;
  std::vector<LiveSlot> live_;
  std::vector<u64> owned_;
  std::unordered_map<u32, u64> held_;
  bool any_quarantined_ = false;
  bool judged_all_ = true;
};

}  // namespace partage::kernel
