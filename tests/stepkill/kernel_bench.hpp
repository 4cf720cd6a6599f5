// The stage of the kernel's kill tests: a segment with runs on lists, holes between them, pooled and private runs, three
// stripes and a few objects; an operation to be killed, and the judge: repaired, whole, every byte owned once, and the state
// exactly that before or that after.
#pragma once

#include "tests/container/fixture.hpp"
#include "tests/support/stepkill.hpp"
#include "tests/support/stepkill_check.hpp"
#include "tests/support/stepkill_report.hpp"

namespace partage::test {

class KernelBench {
 public:
  static constexpr std::size_t list_count = 24, stripe_count = 3;
  /// Lists with a meaning; the others hold the runs around the holes.
  enum List : std::size_t {
    empty_list = 0,
    full_list = 1,
    left_of_hole = 2,
    right_of_hole = 3,
    between_holes = 4,
    alone = 5,
    pool_body = 6,
    last_before_top = 7,
    hole_and_top = 8,
    free_for_test = 9
  };
  static constexpr kernel::u64 owner = 5;  // client slot of the private runs

  struct Root {
    kernel::Word lists[list_count];
    kernel::Stripe stripes[stripe_count];
    kernel::Word private_run;  // offset of one private run
  };

  /// What an operation sees: the same segment through its own mapping or a copy of it.
  class View {
   public:
    View(kernel::Segment& segment, kernel::u64 root, const std::vector<ObjectRef>& objects)
        : segment_(segment), root_(root), objects_(objects) {}
    kernel::Segment& segment() const { return segment_; }
    kernel::Runs runs() const { return segment_.runs(); }
    Root& root() const { return segment_.at<Root>(root_); }
    kernel::u64 root_offset() const { return root_; }
    kernel::Word& list(std::size_t i) const { return root().lists[i]; }
    kernel::Stripe& stripe(std::size_t i) const { return root().stripes[i]; }
    kernel::HeapState& heap() const { return segment_.at<kernel::HeapState>(kernel::heap_offset); }
    ObjectRef object(std::size_t i) const { return objects_[i]; }
    ObjectRef make_object(std::string_view schema, std::string_view name) const;

   private:
    kernel::Segment& segment_;
    kernel::u64 root_;
    const std::vector<ObjectRef>& objects_;
  };

  KernelBench();
  View view_here() { return {fixture_.segment(), root_, objects_}; }
  /// `arrange` prepares the segment further, before the state before is taken.
  Subject subject(std::string name, std::function<void(const View&)> operate,
                  const std::function<void(const View&)>& arrange = {});
  void run(StepkillReport& report, const std::string& name, const std::function<void(const View&)>& operate,
           long recoveries, const std::function<void(const View&)>& arrange = {});

  static std::vector<std::string> dump(const View& v);
  static std::string verify(const View& v);
  static void repair(const View& v);

 private:
  ContainerFixture fixture_;
  kernel::u64 root_ = 0;
  std::vector<ObjectRef> objects_;
};

}  // namespace partage::test
