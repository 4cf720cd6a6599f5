// The worker process of a pool: runs the initializer, then chunks until the board is closed.
//
// It knows the board, where its mail goes, and nothing of the owner's other state. By fork it has them as they are, else by
// the order of its process.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <partage/engine/channel.hpp>
#include <partage/engine/pool.hpp>
#include <string>
#include <vector>

#include "manager/segment/segment.hpp"

namespace partage::engine::pool {

struct WorkerText {
  std::uint64_t board = 0;  // offset
  std::uint32_t index = 0;
  std::int32_t owner = 0;     // pid
  std::int32_t chunks = 0;    // 0: no limit
  CodeAddress initializer{};  // an Entry; size 0: none
  std::string initializer_type{};
  std::vector<std::byte> initializer_bytes{};
};

class WorkerTask final : public process::Task {
 public:
  /// `initializer` may be nullptr and outlives this.
  WorkerTask(WorkerText text, std::shared_ptr<kernel::Segment> segment, Channel::Pointer mail,
             process::Task* initializer)
      : text_(std::move(text)), segment_(std::move(segment)), mail_(std::move(mail)), initializer_(initializer) {}

  void run() override;
  process::Order order() const override;

 private:
  static std::unique_ptr<process::Task> make(const Parcel& parcel);

  WorkerText text_;
  std::shared_ptr<kernel::Segment> segment_;  // the board's
  Channel::Pointer mail_;
  process::Task* initializer_;
  std::unique_ptr<process::Task> own_initializer_{};
};

}  // namespace partage::engine::pool
