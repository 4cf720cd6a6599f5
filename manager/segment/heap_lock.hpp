// Of heap.hpp, for its own files: the lock of the heap, which repairs what a dead holder left as it is taken.
#pragma once

#include <partage/error.hpp>

#include "manager/platform/process_identity.hpp"
#include "manager/segment/heap.hpp"
#include "manager/segment/segment.hpp"

namespace partage::kernel {

class Runs::Lock {
 public:
  explicit Lock(Runs& runs) : mutex_(runs.state().mutex) {
    switch (mutex_.acquire(runs.segment_->deadline())) {
      case Acquired::clean:
        break;
      case Acquired::owner_died:
        runs.segment_->header().repairs.draw();
        if (!runs.log_is_sound()) {
          mutex_.condemn();
          throw Corrupt("partage: the heap of the segment is damaged: a dead process left a log that cannot be one");
        }
        runs.replay();
        mutex_.mark_consistent();
        break;
      case Acquired::busy:
        throw TimeoutError("partage: the heap of the segment: no lock within operation_timeout; held by " +
                           describe_thread(mutex_.owner()));
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (condemn_) {
      mutex_.condemn();
    } else {
      mutex_.release();
    }
  }
  void condemn() noexcept { condemn_ = true; }

 private:
  bool condemn_ = false;
  RobustMutex& mutex_;
};

}  // namespace partage::kernel
