// Who has taken a permit, waits for a notification or stands at a barrier: records of clients in the order in which they came.
//
// Layout: a ring of records of two words, {ClientId, data}, in a run of its own that is made with the first record. In the stripe
// of the object: word [1] = run << 8 | log2 of the capacity, word [2] = head << 32 | span; record i stands at (head + i) mod
// capacity. A record that has gone leaves a hole (client 0) until its neighbours at an end have gone too, so that taking one out
// is one or two words of a commit, wherever it stands.
//
// Crash: a record behind the span is a draft; the ends word makes it one. A longer ring is built aside.
// Complexity: append O(1) amortised, erase O(1), looking for a record O(n).
// Thread safety: for the holder of the stripe, within one change.
#pragma once

#include <optional>

#include "manager/segment/change.hpp"
#include "manager/segment/client_life.hpp"

namespace partage::kernel {

class Roster {
 public:
  static constexpr unsigned most_log2 = 30;  // of the capacity
  struct Record {
    u32 at;  // place in the ring, for erase() and set_data()
    ClientId client;
    u64 data;
  };

  Roster(Change& change, Word& run, Word& ends) noexcept : change_(change), run_(run), ends_(ends) {}

  /// Calls fn(record) in order until it returns false.
  template <class Fn>
  void for_each(Fn fn) const {
    const Place now = place();
    for (u32 i = 0; i < now.span; ++i) {
      const Word* words = at(now, i);
      const u64 client = change_.get(words[0]);
      if (client != 0 && !fn(Record{i, ClientId::of(client), change_.get(words[1])})) return;
    }
  }
  /// The first record of which is(record).
  template <class Is>
  std::optional<Record> first(Is is) const {
    std::optional<Record> found;
    for_each([&](const Record& record) {
      if (is(record)) found = record;
      return !found;
    });
    return found;
  }
  std::size_t count() const;

  void append(ClientId client, u64 data);
  void erase(const Record& record);

  /// Every run it owns.
  static void runs_of(const Word& run, std::vector<u64>& runs) {
    if (run.load() != 0) runs.push_back(run.load() >> 8);
  }

 private:
  static constexpr unsigned least_log2 = 3, kept_log2 = 6;

  struct Place {
    u64 run;
    unsigned log2;
    u32 head, span;
  };
  Place place() const {
    const u64 run = change_.get(run_), ends = change_.get(ends_);
    const Place now{run >> 8, static_cast<unsigned>(run & 255), static_cast<u32>(ends >> 32), static_cast<u32>(ends)};
    const bool can_be = now.log2 <= most_log2 && now.span <= (now.run == 0 ? 0 : u32{1} << now.log2) &&
                        change_.segment().holds(now.run, u64{16} << now.log2);
    if (!can_be) refuse();
    return now;
  }
  /// Damaged words must not become four thousand million records to walk over, or some outside the segment.
  [[noreturn]] static void refuse();
  Word* at(const Place& place, u32 i) const noexcept {
    const u32 mask = (u32{1} << place.log2) - 1;
    return &change_.segment().at<Word>(place.run) + std::size_t{2} * ((place.head + i) & mask);
  }
  void set_ends(u32 head, u32 span) { change_.put(ends_, u64{head} << 32 | span); }
  void rebuild();

  Change& change_;
  Word& run_;
  Word& ends_;
};

}  // namespace partage::kernel
