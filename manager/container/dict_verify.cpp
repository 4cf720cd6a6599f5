// Every invariant of dict_layout.hpp, checked, one stripe after the other. What a word names is bounded before it is followed:
// the dict may be damaged.

#include <algorithm>
#include <chrono>
#include <thread>

#include "manager/container/dict.hpp"
#include "manager/container/dict_stripes.hpp"
#include "manager/container/dict_table.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {

using dict::Table;

namespace {

/// Of the words that lead to the stripes, which change together when the dict splits.
std::string verify_root(Segment& segment, const DictBody& body) {
  Runs runs = segment.runs();
  const u64 root = body.root.load_acquire(), array = body.array.load_acquire(), log2 = root & 255;
  if (log2 > most_stripes_log2) return "dict: impossible number of stripes";
  u64 older = array;
  for (unsigned n = 0; older != 0; older = runs.link(older).load()) {
    bool of_a_pool = false;
    for (unsigned pool = 0; pool <= most_stripes_log2 && !of_a_pool; ++pool) {
      of_a_pool = runs.looks_like_run(older, sizeof(StripeArrayHead) + (sizeof(Stripe) << pool), stripe_pool(pool));
    }
    if (!of_a_pool || ++n > most_stripes_log2) return "dict: a stripe array that is no run";
  }
  if (root >> 8 == segment.offset_of(&body.first)) return log2 == 0 ? "" : "dict: more stripes than are embedded";
  const bool is_array = array != 0 && root >> 8 == array + sizeof(StripeArrayHead) &&
                        runs.looks_like_run(array, sizeof(StripeArrayHead) + (sizeof(Stripe) << log2),
                                            stripe_pool(static_cast<unsigned>(log2)));
  return is_array ? "" : "dict: the root names none of its stripe arrays";
}

/// The same; a split may be changing them now.
std::string verify_root_in_motion(Segment& segment, const DictBody& body) {
  std::string problem = verify_root(segment, body);
  for (int tries = 0; !problem.empty() && tries < 20; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    problem = verify_root(segment, body);
  }
  return problem;
}

/// One stripe and its table.
class StripeCheck {
 public:
  StripeCheck(Segment& segment, const DictBody& body, Stripe& stripe, std::vector<u64>& runs)
      : segment_(segment), body_(body), stripe_(stripe), runs_(runs) {}

  std::string run(u64 root, std::vector<u64>& orders) {
    if (std::string p = table(); !p.empty()) return p;
    if (std::string p = index(); !p.empty()) return p;
    if (std::string p = entries(); !p.empty()) return p;
    if (std::string p = reach(root, orders); !p.empty()) return p;
    const u64 arena = stripe_.body[Change::arena_word].load();
    if (const auto found = verify_arena(segment_, arena, blobs_); !found.empty()) return "dict: " + found;
    for_each_chunk(segment_, arena, [&](u64 run) { runs_.push_back(run); });
    return "";
  }

 private:
  u64 count() const { return stripe_.body[dict_count].load(); }

  std::string table() {
    const u64 word = stripe_.body[dict_table].load();
    if (word != no_table) {
      const TableWord t = TableWord::of(word);
      if (t.embedded) {
        if (t.offset != segment_.offset_of(body_.table) || t.log2 != DictBody::embedded_log2 ||
            &stripe_ != &body_.first)
          return "dict: a table that is not the embedded one";
      } else {
        if (t.log2 > most_capacity_log2 || !segment_.runs().looks_like_run(t.offset, TableWord::bytes(t.log2)))
          return "dict: a table that is no run";
        runs_.push_back(t.offset);
      }
    }
    table_ = Table::at(segment_, word);
    return dict::cursor_of(count()) > table_.capacity ? "dict: cursor beyond the table" : "";
  }

  std::string index() const {
    u64 taken = 0, dummies = 0;
    for (u64 i = 0; table_.capacity != 0 && i <= table_.mask; ++i) {
      const u32 v = table_.slot(i);
      if (v == 0) continue;
      ++taken;
      if (dict::is_dummy(v)) {
        ++dummies;
      } else if ((v & dummy_entry) == 0 || (v & dummy_entry) > dict::cursor_of(count())) {
        return "dict: an index slot beyond the cursor";
      }
    }
    const bool right = taken == stripe_.body[dict_used].load() && taken <= table_.capacity &&
                       taken - dummies == dict::live_of(count());
    return right ? "" : "dict: wrong index counts";
  }

  /// Codes, and where blobs lie.
  std::string entries() {
    u64 live = 0, last_cursor = 0;
    for (u64 i = 0; i < dict::cursor_of(count()); ++i) {
      const DictEntry& e = table_.entries[i];
      const u64 meta = e.meta.load();
      if (meta == 0) continue;
      ++live;
      last_cursor = i + 1;
      const u64 key = DictEntry::key_code(meta), value = DictEntry::value_code(meta);
      if (key == 0 || key > DictEntry::blob_key) return "dict: a key of an unknown kind";
      if ((meta & 0xFF) > DictEntry::reference_value) return "dict: a value of an unknown kind";
      const bool inline_clean = value > DictEntry::inline_value || value == 8 || e.value.load() >> 8 * value == 0;
      if (!inline_clean) return "dict: bits beyond an inline value";
      if (key == DictEntry::blob_key) blobs_.push_back(e.key[0].load());
      if (value == DictEntry::blob_value) blobs_.push_back(e.value.load());
      if (key == DictEntry::blob_key && looks_like_blob(segment_, e.key[0].load()) &&
          BlobShape::of(segment_.at<BlobHead>(e.key[0].load()).shape.load()).bytes != e.key[1].load())
        return "dict: a key of another length";
    }
    for (const u64 blob : blobs_) {
      if (!looks_like_blob(segment_, blob)) return "dict: a blob out of bounds";
      if ((segment_.at<BlobHead>(blob).head.load() & 255) == own_run_class) runs_.push_back(blob);
    }
    if (live != dict::live_of(count())) return "dict: wrong number of live entries";
    return last_cursor == dict::cursor_of(count()) ? "" : "dict: a cursor behind the last entry";
  }

  /// Every entry is found by its key, in its order.
  std::string reach(u64 root, std::vector<u64>& orders) const {
    u64 last = 0;
    Bytes bytes;
    for (u64 i = 0; i < dict::cursor_of(count()); ++i) {
      const DictEntry& e = table_.entries[i];
      const u64 meta = e.meta.load();
      if (meta == 0) continue;
      bytes.clear();
      dict::read_key(segment_, e, bytes);
      const dict::Key key(bytes.view());
      if ((key.meta ^ meta) >> 8 != 0) return "dict: an entry whose key has another hash";
      if (&dict::stripe_for(segment_, root, key.hash()) != &stripe_) return "dict: an entry in the wrong stripe";
      if (dict::find(segment_, table_, key).entry != &e) return "dict: an entry that its key does not reach";
      if (e.order.load() <= last || e.order.load() > body_.order.last()) return "dict: orders do not ascend";
      last = e.order.load();
      orders.push_back(last);
    }
    return last == stripe_.body[dict_last].load() ? "" : "dict: wrong last order";
  }

  Segment& segment_;
  const DictBody& body_;
  Stripe& stripe_;
  std::vector<u64>& runs_;
  Table table_{};
  std::vector<u64> blobs_;
};

}  // namespace

u64 Dict::version() const {
  if (!verify_root(segment_, body_).empty()) return 0;
  const u64 root = body_.root.load();
  u64 sum = root;
  for (const Stripe& s : dict::stripes_of(segment_, root)) sum += s.seq.load();
  return sum;
}

bool Dict::condemn() {
  bool all = condemn_stripe(body_.first);
  if (verify_root_in_motion(segment_, body_).empty()) {
    for_each_stripe([&](Stripe& s) { all = condemn_stripe(s) && all; });
  } else {  // whoever has a handle is led to the one stripe that there is in any case
    Log::commit_single(body_.root, segment_.offset_of(&body_.first) << 8);
  }
  body_.inserted.announce();
  return all;
}

void Dict::refuse_damaged_root() const {
  if (!verify_root_in_motion(segment_, body_).empty()) refuse_damaged("a dict");
}

bool Dict::condemned() {
  bool any = body_.first.mutex.condemned();
  if (any || !verify_root_in_motion(segment_, body_).empty()) return any;
  for_each_stripe([&](const Stripe& s) { any = any || s.mutex.condemned(); });
  return any;
}

std::string Dict::verify(std::vector<u64>& runs, Leftovers leftovers) {
  if (!ConfigWord::makes_sense(body_.config.load())) return "dict: a configuration that cannot be";
  std::string problem = verify_root_in_motion(segment_, body_);
  if (!problem.empty()) return problem;
  for_each_stripe([&](const Stripe& s) {  // before it is waited for
    if (*s.mutex.damage() != '\0') problem = std::string("dict: ") + s.mutex.damage();
  });
  if (!problem.empty()) return problem;
  const dict::AllStripes locked(segment_, body_);
  const std::span<Stripe> in_use = locked.stripes();
  runs.push_back(segment_.offset_of(&body_));
  for (u64 run = body_.array.load(); run != 0; run = segment_.runs().link(run).load()) runs.push_back(run);
  for_each_stripe([&](Stripe& s) {
    const u64 mine = segment_.offset_of(&body_);
    if (s.owner_offset() != mine) problem = "dict: a stripe does not know its dict";
    const bool is_used = &s >= in_use.data() && &s < in_use.data() + in_use.size();
    const bool is_first =
        &s == &body_.first && s.body[dict_table].load() == no_table;  // of a dict made with many stripes
    if (is_used ? dict::is_moved(s) : !dict::is_moved(s) && !is_first) problem = "dict: a stripe in the wrong array";
    if (const char* what = half_done(segment_, s, runs, leftovers); *what != '\0')
      problem = std::string("dict: ") + what;
  });
  std::vector<u64> orders;
  for (Stripe& s : in_use) {
    if (!problem.empty()) return problem;
    problem = StripeCheck(segment_, body_, s, runs).run(body_.root.load(), orders);
  }
  if (!problem.empty()) return problem;
  std::ranges::sort(orders);
  const bool twice = std::ranges::adjacent_find(orders) != orders.end();
  return twice ? "dict: an order number twice" : "";
}

}  // namespace partage::kernel
