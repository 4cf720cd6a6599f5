// An open file descriptor, closed with its last owner.
//
// Thread safety: as std::shared_ptr; the number does not change. A forked child's copy is its own.
#pragma once

#include <memory>

#include <partage/export.hpp>

namespace partage::engine {

class PARTAGE_API Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

using SharedDescriptor = std::shared_ptr<const Descriptor>;

}  // namespace partage::engine
