// Every invariant of dict_layout.hpp, checked. For tests and tools; nobody may be changing the dict.

#include <set>

#include "manager/container/dict.hpp"
#include "manager/container/dict_stripes.hpp"
#include "manager/container/dict_table.hpp"

namespace partage::kernel {

using dict::Table;

std::string Dict::verify(std::vector<u64>& runs) {
  const u64 root = body_.root.load();
  if ((root & 255) > most_stripes_log2) return "dict: impossible number of stripes";
  runs.push_back(segment_.offset_of(&body_));
  for (u64 run = body_.array.load(); run != 0; run = segment_.runs().link(run).load()) runs.push_back(run);
  const std::span<Stripe> in_use = dict::stripes_of(segment_, root);
  std::string problem;
  for_each_stripe([&](Stripe& s) {
    const bool is_used = &s >= in_use.data() && &s < in_use.data() + in_use.size();
    const bool is_first =
        &s == &body_.first && s.body[dict_table].load() == no_table;  // of a dict made with many stripes
    if (is_used ? dict::is_moved(s) : !dict::is_moved(s) && !is_first) problem = "dict: a stripe in the wrong array";
    if (!is_used && (s.commit.load() != 0 || s.pend.load() != 0 || s.spill.load() != 0 || Window::is_open(s)))
      problem = "dict: a stripe that was left by a split is not at rest";
  });
  if (!problem.empty()) return problem;
  std::set<u64> orders;
  for (u64 x = 0; x < dict::stripe_count(root); ++x) {
    Stripe& s = (&segment_.at<Stripe>(root >> 8))[x];
    if (s.commit.load() != 0) return "dict: a log that was not applied";
    if (Window::is_open(s)) return "dict: a window left open";
    if (s.pend.load() != 0 || s.spill.load() != 0) return "dict: runs in transit";
    const u64 table = s.body[dict_table].load(), count = s.body[dict_count].load();
    const Table t = Table::at(segment_, table);
    if (t.capacity != 0 && !TableWord::of(table).embedded) runs.push_back(TableWord::of(table).offset);
    if (dict::cursor_of(count) > t.capacity) return "dict: cursor beyond the table";
    u64 live = 0, last = 0, last_cursor = 0;
    std::vector<u64> blobs;
    Bytes bytes;
    for (u64 i = 0; i < dict::cursor_of(count); ++i) {
      DictEntry& e = t.entries[i];
      const u64 meta = e.meta.load();
      if (meta == 0) continue;
      ++live;
      last_cursor = i + 1;
      bytes.clear();
      dict::read_key(segment_, e, bytes);
      const dict::Key key(bytes.view());
      if ((key.meta ^ meta) >> 8 != 0) return "dict: an entry whose key has another hash";
      if (&dict::stripe_for(segment_, root, key.hash()) != &s) return "dict: an entry in the wrong stripe";
      if (dict::find(segment_, t, key).entry != &e) return "dict: an entry that its key does not reach";
      if (e.order.load() <= last || e.order.load() > body_.order.last()) return "dict: orders do not ascend";
      last = e.order.load();
      if (!orders.insert(last).second) return "dict: an order number twice";
      if (DictEntry::key_code(meta) == DictEntry::blob_key) blobs.push_back(e.key[0].load());
      if (DictEntry::value_code(meta) == DictEntry::blob_value) blobs.push_back(e.value.load());
      for_each_own_run(e, [&](u64 run) { runs.push_back(run); });
    }
    if (live != dict::live_of(count)) return "dict: wrong number of live entries";
    if (last_cursor != dict::cursor_of(count) || last != s.body[dict_last].load())
      return "dict: wrong cursor or last order";
    u64 taken = 0, dummies = 0;
    for (u64 i = 0; t.capacity != 0 && i <= t.mask; ++i) {
      const u32 v = t.slot(i);
      if (v == 0) continue;
      ++taken;
      if (dict::is_dummy(v)) {
        ++dummies;
      } else if ((v & dummy_entry) > dict::cursor_of(count)) {
        return "dict: an index slot beyond the cursor";
      }
    }
    if (taken != s.body[dict_used].load() || taken > t.capacity || taken - dummies != live)
      return "dict: wrong index counts";
    const u64 arena = s.body[Change::arena_word].load();
    if (const auto found = verify_arena(segment_, arena, blobs); !found.empty()) return "dict: " + found;
    for_each_chunk(segment_, arena, [&](u64 run) { runs.push_back(run); });
  }
  return "";
}

}  // namespace partage::kernel
