// A dict that has grown gets more stripes: 1 -> 8 -> 32. Small dicts stay small, and writers of a large one seldom meet. Not
// more than 32, because some operations lock all of them, and ThreadSanitizer gives up on a thread that holds 64 locks.
//
// All stripes are locked as one transaction. The new array, its tables and its arenas are built aside in runs that hang on the
// first old stripe's `pend`; nobody can reach them. Then ONE commit over all old stripes: each gets the table word `moved` and
// gives back its table and arena; the log of the first also names the new array (root) and puts it in front of the old ones
// (array), which stay until the dict ends: a process that has read the old root may still come to their locks.
//
// Crash. Before the decision: every stripe drops its log, and the first one's `pend` returns what was built. After it: every
// stripe is moved, in whatever order they are repaired. Whoever finds a moved stripe reads `root` again; if that is still the
// old one, the first stripe was not repaired yet, so he locks it, which repairs it (await_move). Readers do the same once they
// are tired of trying. Blobs are copied and their references with them, so no count changes.
//
// What a split costs: the writers wait while it copies, about 0.1 us an entry; readers go on reading the old tables.
#include <algorithm>
#include <new>
#include <partage/error.hpp>

#include "manager/container/dict_operation.hpp"
#include "manager/container/dict_stripes.hpp"

namespace partage::kernel {

using dict::Table;

namespace {

constexpr unsigned most_split_log2 = 5;

constexpr unsigned next_log2(unsigned log2) noexcept {
  return log2 < 3 ? 3 : most_split_log2;
}

bool is_arena_blob(const Segment& segment, u64 blob) noexcept {
  return (segment.at<BlobHead>(blob).head.load() & 255) != own_run_class;
}
u64 arena_bytes(const Segment& segment, u64 blob) noexcept {
  const u64 head = segment.at<BlobHead>(blob).head.load();
  return is_arena_blob(segment, blob) ? blob_class_bytes(static_cast<unsigned>(head & 255)) : 0;
}

/// One stripe of the new array while it is filled. Everything it writes is out of anybody's reach.
class NewStripe {
 public:
  NewStripe(Stripe& stripe, const Draft& draft) : stripe_(&stripe), stripe_draft_(draft) {}

  /// How much it will hold.
  void count(const Segment& segment, const DictEntry& e, u64 meta) {
    ++entries_;
    if (DictEntry::key_code(meta) == DictEntry::blob_key) blob_bytes_ += arena_bytes(segment, e.key[0].load());
    if (DictEntry::value_code(meta) == DictEntry::blob_value) blob_bytes_ += arena_bytes(segment, e.value.load());
  }

  /// Takes its table and its arena, one chunk for all blobs.
  void take_runs(Change& change) {
    if (entries_ == 0) return;
    Segment& segment = change.segment();
    unsigned log2 = DictBody::embedded_log2;
    while ((u64{1} << log2) * 3 / 4 < entries_ + 1) ++log2;
    const Change::Run run = change.take_run(TableWord::bytes(log2));
    table_word_ = TableWord{run.offset, false, log2}.word();
    table_ = Table::at(segment, table_word_);
    table_draft_ = run.draft;
    table_draft_.zero(table_.index, table_.capacity);
    if (blob_bytes_ == 0) return;
    const Change::Run chunk = change.take_run(sizeof(ArenaHead) + blob_bytes_);
    change.put(segment.runs().link(chunk.offset), 0);
    arena_ = chunk.offset;
    arena_draft_ = chunk.draft;
    next_blob_ = arena_ + sizeof(ArenaHead);
    auto& head = segment.at<ArenaHead>(arena_);
    arena_draft_.zero(&head.bump, sizeof head / 8);
    arena_draft_.set(head.bump, next_blob_ + blob_bytes_);
    arena_draft_.set(head.end, arena_ + arena_draft_.size() / 16 * 16);
    arena_draft_.set(head.total, arena_draft_.size());
  }

  void add(const Segment& segment, const DictEntry& from, u64 meta) {
    DictEntry& to = table_.entries[used_];
    const bool key_blob = DictEntry::key_code(meta) == DictEntry::blob_key;
    const bool value_blob = DictEntry::value_code(meta) == DictEntry::blob_value;
    const u64 hash = DictEntry::hash_of(meta);
    last_ = from.order.load();
    table_draft_.set(to.meta, meta);
    table_draft_.set(to.order, last_);
    table_draft_.set(to.value, value_blob ? move_blob(segment, from.value.load()) : from.value.load());
    table_draft_.set(to.key[0], key_blob ? move_blob(segment, from.key[0].load()) : from.key[0].load());
    table_draft_.set(to.key[1], from.key[1].load());
    table_draft_.set(to.key[2], from.key[2].load());
    u64 slot = dict::first_slot(hash) & table_.mask;
    while (table_.slot(slot) != 0) slot = (slot + 1) & table_.mask;
    Word& index = table_.index_word(slot);
    table_draft_.set(index, Table::with_half(index.load(), slot, dict::make_slot(hash, used_)));
    ++used_;
  }

  void finish() const {
    Word* body = stripe_->body;
    stripe_draft_.set(body[Change::arena_word], arena_);
    stripe_draft_.set(body[dict_table], entries_ != 0 ? table_word_ : no_table);
    stripe_draft_.set(body[dict_count], dict::make_count(entries_, entries_));
    stripe_draft_.set(body[dict_last], last_);
    stripe_draft_.set(body[dict_used], entries_);
  }

 private:
  /// Where the blob is from now on: a run of its own stays.
  u64 move_blob(const Segment& segment, u64 blob) {
    if (!is_arena_blob(segment, blob)) return blob;
    const u64 bytes = arena_bytes(segment, blob), to = next_blob_;
    next_blob_ += bytes;
    const Word* source = &segment.at<BlobHead>(blob).head;
    Word* words = &segment.at<BlobHead>(to).head;
    arena_draft_.set(words[0], source[0].load() & 255);
    const u64 payload = BlobShape::of(source[1].load()).payload();
    for (u64 i = 1; i < 2 + (payload + 7) / 8; ++i) arena_draft_.set(words[i], source[i].load());
    return to;
  }

  Stripe* stripe_;
  Draft stripe_draft_;
  u64 entries_ = 0, blob_bytes_ = 0;
  u64 table_word_ = no_table;
  Table table_{};
  Draft table_draft_{nullptr, 0}, arena_draft_{nullptr, 0};
  u64 arena_ = 0, next_blob_ = 0;
  u64 used_ = 0, last_ = 0;
};

template <class Fn>
void for_each_entry(const Segment& segment, std::span<Stripe> stripes, Fn&& fn) {
  for (const Stripe& s : stripes) {
    const Table t = Table::at(segment, s.body[dict_table].load());
    for (u64 i = 0; i < dict::cursor_of(s.body[dict_count].load()); ++i) {
      if (const u64 meta = t.entries[i].meta.load(); meta != 0) fn(t.entries[i], meta);
    }
  }
}

}  // namespace

void Dict::split(u64 root) {
  Transaction transaction(segment_);
  const std::span<Stripe> old = dict::stripes_of(segment_, root);
  std::vector<Stripe*> all;
  for (Stripe& s : old) all.push_back(&s);
  transaction.lock(std::move(all));
  if (body_.root.load() != root || dict::is_moved(old[0])) return;  // somebody else was first

  const unsigned log2 = next_log2(static_cast<unsigned>(root & 255));
  Change& first = transaction.change(old[0]);
  const dict::StripeArray array = dict::make_stripe_array(first, log2, segment_.offset_of(&body_));
  std::vector<NewStripe> fresh;
  fresh.reserve(array.stripes.size());
  for (Stripe& s : array.stripes) fresh.emplace_back(s, array.draft);
  const auto home = [&](u64 meta) -> NewStripe& { return fresh[DictEntry::hash_of(meta) >> (64 - log2)]; };

  for_each_entry(segment_, old, [&](const DictEntry& e, u64 meta) { home(meta).count(segment_, e, meta); });
  for (NewStripe& s : fresh) s.take_runs(first);
  // The stripe of a hash in a longer array lies within the one it had, so orders go on ascending in every table.
  for_each_entry(segment_, old, [&](const DictEntry& e, u64 meta) { home(meta).add(segment_, e, meta); });
  for (const NewStripe& s : fresh) s.finish();

  for (Stripe& s : old) {
    Change& change = transaction.change(s);
    const u64 table = s.body[dict_table].load();
    change.retire_arena();
    if (table != no_table && !TableWord::of(table).embedded) change.retire_run(TableWord::of(table).offset);
    change.put(s.body[dict_table], moved_table);
    change.put(s.body[dict_count], 0);
    change.put(s.body[dict_last], 0);
    change.put(s.body[dict_used], 0);
  }
  first.put(segment_.runs().link(array.run), body_.array.load());
  first.put(body_.array, array.run);
  first.put(body_.root, array.root);
  transaction.commit();
}

void Dict::split_if_large(const Stripe& stripe) noexcept {
  const unsigned split_log2 = ConfigWord::of(body_.config.load()).split_log2;
  const u64 root = body_.root.load_acquire(), log2 = root & 255;
  if (split_log2 == 0 || split_log2 > most_capacity_log2 || log2 >= most_split_log2) return;  // a damaged one is larger
  if (dict::live_of(stripe.body[dict_count].load()) < u64{1} << (split_log2 + (log2 != 0 ? 1 : 0))) return;
  try {
    split(root);
  } catch (const OutOfMemory&) {  // it goes on with the stripes it has; so below
  } catch (const TimeoutError&) {
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace partage::kernel
