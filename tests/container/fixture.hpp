// A segment with its tables for tests of the byte-level containers, and the check that every byte of it is owned once.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "manager/container/dict.hpp"
#include "manager/segment/object_table.hpp"
#include "manager/segment/segment.hpp"

namespace partage::test {

inline BytesView view(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string text(const Bytes& b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}
inline std::string text(const BytesView& b) {
  return {reinterpret_cast<const char*>(b.data), b.size};
}

class ContainerFixture {
 public:
  explicit ContainerFixture(std::size_t max = std::size_t{256} << 20)
      : segment_(kernel::Segment::create({.initial = 64 << 10, .max = max})) {
    kernel::make_transaction_records(*segment_);
    kernel::Objects::make(*segment_);
    segment_->client_slot = 1;
  }
  kernel::Segment& segment() { return *segment_; }

  kernel::DictBody& make_dict(kernel::DictConfig config) {
    const ObjectRef ref =
        kernel::Objects(*segment_).create({kernel::ObjectKind::dict, 0, "test", "", 1,
                                           [&](kernel::Change& c) { return kernel::Dict::build(c, config); }});
    const kernel::ObjectSlot& slot = *kernel::Objects(*segment_).find(kernel::index_of(ref));
    refs_.push_back(ref);
    return segment_->at<kernel::DictBody>(slot.body.load());
  }
  ObjectRef ref_of(std::size_t i) const { return refs_[i]; }

  /// The heap is whole, and its allocated runs are the tables, the pools and exactly `owned`. "" or what is wrong.
  std::string verify(std::vector<kernel::u64> owned) { return verify(*segment_, std::move(owned)); }
  static std::string verify(kernel::Segment& segment, std::vector<kernel::u64> owned) {
    using namespace kernel;
    Runs runs = segment.runs();
    if (std::string problem = runs.verify(); !problem.empty()) return problem;
    owned.push_back(segment.header().records);
    owned.push_back(segment.header().registry);
    auto& table = segment.at<ObjectTable>(segment.header().registry);
    for (const Word& chunk : table.chunks) {
      if (chunk.load() != 0) owned.push_back(chunk.load());
    }
    Objects(segment).for_each([&](u32, ObjectSlot& slot) {
      if (SlotWord::of(slot.state.load()).state == SlotState::free) return;
      owned.push_back(slot.schema.load());
      if (slot.name.load() != 0) owned.push_back(slot.name.load());
    });
    for (const u64 run : runs.pooled()) owned.push_back(run);
    std::ranges::sort(owned);
    if (std::ranges::adjacent_find(owned) != owned.end()) return "a run is owned twice";
    std::vector<u64> allocated;
    runs.for_each([&](u64 run, std::size_t, bool free, Pool) {
      if (!free) allocated.push_back(run);
    });
    std::vector<u64> leaked, foreign;
    std::ranges::set_difference(allocated, owned, std::back_inserter(leaked));
    std::ranges::set_difference(owned, allocated, std::back_inserter(foreign));
    if (!leaked.empty())
      return "leaked: " + std::to_string(leaked.size()) + " runs, the first at " + std::to_string(leaked[0]);
    if (!foreign.empty()) return "owned but not allocated: a run at " + std::to_string(foreign[0]);
    return "";
  }

 private:
  std::shared_ptr<kernel::Segment> segment_;
  std::vector<ObjectRef> refs_;
};

}  // namespace partage::test
