// The stage of the list's kill tests: a segment with lists of every kind, an operation to be killed, and the judge:
// repaired, whole, every byte owned once, every reference counted, and the contents exactly those before or those
// after.
#pragma once

#include "tests/container/list_fixture.hpp"
#include "tests/support/stepkill.hpp"
#include "tests/support/stepkill_check.hpp"
#include "tests/support/stepkill_report.hpp"

namespace partage::test {

class ListBench {
 public:
  /// The lists, by place in `refs`.
  enum Which : std::size_t {
    numbers,   // packed, ten elements in a ring of 16
    tight,     // packed, and the ring is full
    sparse,    // packed, and the next removal shrinks the ring
    texts,     // variable: inline elements, blobs, one blob that is a run of its own
    crowded,   // variable, the ring is full
    shrunken,  // variable: the next removal shrinks the ring and moves the blobs to a smaller arena
    handles,   // references to `one` and `two`, alone, in pairs with bytes, and an element without
    one,
    two,
    cell,   // one packed element in the body
    owner,  // has `one` as its companion
    count
  };
  using State = std::vector<std::vector<std::string>>;  // every live list, by its number in the table of objects

  /// What an operation sees: the same segment through its own mapping or a copy of it.
  class View {
   public:
    View(kernel::Segment& segment, const std::vector<ObjectRef>& refs) : segment_(segment), refs_(refs) {}
    kernel::Segment& segment() const { return segment_; }
    ObjectRef ref(Which which) const { return refs_[which]; }
    kernel::List list(Which which) const {
      return {segment_, kernel::Objects(segment_).find(kernel::index_of(refs_[which]))->body.load()};
    }
    /// An element of `handles`.
    BytesView handle(Which which, std::string_view bytes = "") const {
      return {bytes.data(), bytes.size(), {&refs_[which], 1}};
    }

   private:
    kernel::Segment& segment_;
    const std::vector<ObjectRef>& refs_;
  };

  ListBench();
  View view_here() { return {fixture_.segment(), refs_}; }

  /// The operation as a subject of the harness.
  Subject subject(std::string name, std::function<void(const View&)> operate);

  static State dump(const View& v);
  /// "" or what is wrong with the segment as a whole.
  static std::string verify(const View& v);

 private:
  ContainerFixture fixture_;
  std::vector<ObjectRef> refs_;
};

}  // namespace partage::test
