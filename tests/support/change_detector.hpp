// Tells after every instruction whether the image changed, without comparing all of it.
//
//   std::optional<PageList> pages = written_pages(image, operation, 10s);   // one run at full speed, in a child
//   ChangeDetector detector(image, pages);                                  // nullopt: compare everything, always
//   ... one instruction of the operation ...
//   if (detector.changed()) ...
//   if (detector.missed()) ...   // a page outside the list changed: the results are void, start again without a list
//
// written_pages() write-protects the image in a forked child, runs the operation there, and records every page that
// faults: exact for stores through this mapping, including pages that end as they began. It cannot see stores through a
// second mapping or by the kernel (read(2) into the image), so every 256th call compares all of `used`: that is
// `missed`.
// Not covered: a store outside the list that is undone again within 256 instructions. Give no list if that may happen.
#pragma once

#include "image.hpp"

#include <chrono>
#include <optional>

namespace partage::test {

struct PageRef {
  std::size_t part;
  std::size_t offset;
};
using PageList = std::vector<PageRef>;

/// The pages `operation` writes, or nothing if that run failed. Changes the image: restore it afterwards.
std::optional<PageList> written_pages(const Image& image, const std::function<void()>& operation,
                                      std::chrono::milliseconds timeout);

class ChangeDetector {
 public:
  ChangeDetector(const Image& watched, std::optional<PageList> pages);

  /// True if the image differs from what it was at the previous call (or at construction).
  bool changed();
  bool missed() const { return missed_; }

 private:
  bool sweep();

  const Image& watched_;
  std::optional<PageList> pages_;
  Mirror last_;
  std::vector<std::size_t> used_;
  unsigned calls_ = 0;
  bool missed_ = false;
};

}  // namespace partage::test
