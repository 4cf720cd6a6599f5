// What the manager says of its life (<partage/log.hpp>): processes that come and go, deaths, repairs, growth.
//
// It compares what it sees in the segment with what it saw before, so that nothing is said under a lock, and operations pay
// nothing. Between two looks, a tick apart at most, things may happen unseen: a process that comes and goes, two growths.
//
// Thread safety: none; the manager's loop owns it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "manager/registry/reap.hpp"

namespace partage::kernel {

class Chronicle {
 public:
  explicit Chronicle(Segment& segment) : segment_(segment) {}

  void began(bool took_over, const RepairReport& repaired);
  /// What a look at the segment shows that is new: processes, repairs by others, growth.
  void look();
  /// `dead` were reaped, as far as their slots are not theirs any more; call look() before it, so that they are known.
  void reaped(const std::vector<ClientId>& dead, const RepairReport& repaired);
  /// Something had to be left for later, as long as it is: said once.
  void put_off(const char* what) noexcept;
  void caught_up() noexcept { put_off_ = false; }
  void ended(const char* why) noexcept;

 private:
  struct Seen {
    u32 generation = 0;
    pid_t pid = 0;
  };
  void tell_repairs(const RepairReport& repaired) noexcept;

  Segment& segment_;
  std::array<Seen, client_slots> seen_{};
  u64 repairs_ = 0;
  u64 committed_ = 0;
  bool put_off_ = false;
};

}  // namespace partage::kernel
