// Segments of this process without a manager, whose objects are dumped and loaded in the process itself.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "manager/registry/verify.hpp"
#include "manager/server/manager.hpp"
#include "manager/tool/dump_loader.hpp"
#include "manager/tool/dump_writer.hpp"

namespace partage::test {

class DumpSegment {
 public:
  DumpSegment()
      : segment_(kernel::make_segment({.initial = 0, .max = std::size_t{256} << 20}, "dumped")),
        attachment_(std::make_unique<tool::Attachment>("dumped", segment_, tool::Attachment::AtEnd::stay)) {}
  DumpSegment(const DumpSegment&) = delete;
  DumpSegment& operator=(const DumpSegment&) = delete;
  ~DumpSegment() {
    attachment_.reset();
    kernel::leave_segment(*segment_);
  }

  kernel::Segment& segment() { return *segment_; }
  tool::Attachment& attachment() { return *attachment_; }
  kernel::Registry& registry() { return attachment_->registry(); }

  std::string dump(tool::DumpForm form = {}) {
    std::string text;
    tool::write_dump(*attachment_, form, [&](std::string_view piece) { text += piece; });
    return text;
  }
  void load(std::string_view text, kernel::Registry::Taken taken = kernel::Registry::Taken::refuse) {
    tool::load_dump(*attachment_, tool::read_dump(text), taken);
  }
  /// This process gives up all that it holds, so that what has no name goes. Then: "" or what is wrong.
  std::string verify() {
    kernel::Clients(*segment_).detach();
    kernel::collect(*segment_);
    kernel::sweep(*segment_);
    std::string problem = kernel::verify_segment(*segment_);
    kernel::Clients(*segment_).attach();
    return problem;
  }

 private:
  std::shared_ptr<kernel::Segment> segment_;
  std::unique_ptr<tool::Attachment> attachment_;
};

}  // namespace partage::test
