// The stage of the dict's kill tests: a segment with a dict of one stripe, one of eight, one of handles and two referents,
// an operation to be killed, and the judge: repaired, whole, every byte owned once, every reference counted, and the
// contents exactly those before or those after.
#pragma once

#include <unistd.h>

#include <map>

#include "tests/container/fixture.hpp"
#include "tests/support/stepkill.hpp"
#include "tests/support/stepkill_check.hpp"
#include "tests/support/stepkill_report.hpp"

namespace partage::test {

class DictBench {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  using State = std::vector<Pairs>;

  /// The objects, by place in the table of objects.
  enum Which : kernel::u32 {
    one = 0,
    eight = 1,
    handles = 2,
    referent_a = 3,
    referent_b = 4,
    full_one = 5,      // splits at the next key into 8
    full_sixteen = 6,  // splits at the next key of its fullest stripe into 32
    full_handles = 7   // of handles, splits at the next key
  };
  /// The n-th key whose hash leads to the same stripe of 16.
  static std::string key_of_one_stripe(int n);

  /// What an operation sees: the same segment through its own mapping or a copy of it.
  class View {
   public:
    explicit View(kernel::Segment& segment) : segment_(segment) {}
    kernel::Segment& segment() const { return segment_; }
    kernel::Dict dict(Which which) const { return {segment_, segment_.at<kernel::DictBody>(slot(which).body.load())}; }
    ObjectRef ref(Which which) const {
      return kernel::make_ref(index(which), kernel::SlotWord::of(slot(which).state.load()).generation);
    }
    kernel::ObjectSlot& slot(Which which) const { return *kernel::Objects(segment_).find(index(which)); }
    void put(Which which, std::string_view k, std::string_view v) const { dict(which).set(view(k), view(v)); }
    void put_handle(std::string_view k, Which target, Which in = handles) const {
      const ObjectRef r = ref(target);
      dict(in).set(view(k), BytesView(nullptr, 0, {&r, 1}));
    }

   private:
    // All objects are made by one thread, hence on one stripe of the table.
    kernel::u32 index(Which which) const {
      for (std::size_t s = 0; s < kernel::ObjectTable::stripe_count; ++s) {
        if (kernel::Objects(segment_).stripe(s).body[kernel::ObjectTable::slots_used].load() != 0) {
          return static_cast<kernel::u32>(which * kernel::ObjectTable::stripe_count + s);
        }
      }
      return 0;
    }
    kernel::Segment& segment_;
  };

  DictBench();
  View view_here() { return View(fixture_.segment()); }

  /// The operation as a subject of the harness. `operate` must change the state.
  Subject subject(std::string name, std::function<void(const View&)> operate);
  /// Killed at every change of the segment; about `recoveries` of the remains are repaired by a process
  /// that is killed likewise.
  void run(StepkillReport& report, const std::string& name, const std::function<void(const View&)>& operate,
           long recoveries);

  static State dump(const View& v);
  /// "" or what is wrong with the segment as a whole.
  static std::string verify(const View& v);

 private:
  ContainerFixture fixture_;
};

}  // namespace partage::test
