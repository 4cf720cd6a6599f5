#include "manager/segment/waiting.hpp"

#include <algorithm>
#include <partage/error.hpp>

#include "manager/segment/wait_table.hpp"

namespace partage::kernel {
namespace {

void require_live(const Segment& segment) {
  if (segment.live()) return;
  throw ManagerShutdown(
      "partage: the manager was shut down while this process waited for an object of it; keep the Manager until "
      "everybody has "
      "finished");
}

/// Shows where this process waits, for as long as it lives.
class Shown {
 public:
  Shown(Segment& segment, WaitWord& word, bool timed, Clock::time_point since) noexcept
      : lives_(segment), entry_(segment, segment.offset_of(&word), timed, since) {
    lives_.waits_at(segment.offset_of(&word));
    word.count_sleep();
    Tally::add(segment.header().sleeps);
  }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;
  ~Shown() { lives_.waits_at(0); }

 private:
  Lives lives_;
  ShownWait entry_;
};

}  // namespace

void Waiting::depends_on(ClientId client) {
  if (spin_.goes_on()) return;
  if (client.slot != segment_.client_slot && std::ranges::find(clients_, client) == clients_.end()) {
    clients_.push_back(client);
  }
}

void Waiting::sleep() {
  require_live(segment_);
  if (spin_.goes_on()) return spin_.look_again(deadline_);
  words_.push_back({reinterpret_cast<const u32*>(&segment_.header().state), static_cast<u32>(SegmentState::live)});
  const Lives lives(segment_);
  bool watched = true;
  for (const ClientId client : clients_) {
    const auto word = words_.size() < most_futex_words ? lives.watch(client) : std::nullopt;
    if (word) {
      words_.push_back(*word);
    } else {
      if (lives.of(client) != Life::alive) return;  // look again at once
      watched = false;
    }
  }
  Deadline until = deadline_;
  if (!clients_.empty()) {
    const auto look_again = Clock::now() + (watched ? net : nap);
    if (!until || look_again < *until) until = look_again;
  }
  {
    if (since_ == Clock::time_point{}) since_ = Clock::now();
    const Shown shown(segment_, *word_, deadline_.has_value(), since_);
    sleep_on(words_, until);
  }
  for (const ClientId client : clients_) {
    if (lives.of(client) != Life::alive) lives.wake_watchers(client);
  }
  require_live(segment_);
}

}  // namespace partage::kernel
