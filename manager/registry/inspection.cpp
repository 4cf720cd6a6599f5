#include "manager/registry/inspection.hpp"

#include <algorithm>
#include <bit>
#include <partage/error.hpp>

#include "manager/registry/collect.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/registry/slot_scan.hpp"
#include "manager/segment/wait_table.hpp"

namespace partage::kernel {
namespace {

using Verdict = Finding::Verdict;

std::string at(const char* what, std::size_t i) {
  return what + std::to_string(i);
}

/// Nobody has it.
std::string rest_of(const Stripe& s) {
  if (s.mutex.owner_dead()) return "its holder died and nobody has repaired it";
  return s.mutex.owner() != 0 ? "somebody holds it" : "";
}

/// Who waits for it gets nothing, and records() has told why.
bool is_no_lock(const Stripe& s) {
  return *s.mutex.damage() != '\0' || s.mutex.condemned();
}

}  // namespace

Inspection::Inspection(Segment& segment, Way way)
    : segment_(segment), objects_(segment), table_(segment.at<ObjectTable>(segment.header().registry)), way_(way) {}

std::size_t Inspection::objects() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      live_, [](const LiveSlot& slot) { return (slot.word.flags & object_flag::internal) == 0; }));
}

bool Inspection::add(Verdict verdict, ObjectRef object, std::string sentence) {
  findings_.push_back({verdict, object, std::move(sentence)});
  return !at_rest() || verdict == Verdict::quarantined;
}

/// Runs a check that says "" or what is wrong. False: go no further.
template <class Check>
bool Inspection::look(ObjectRef object, Check&& check) {
  try {
    std::string problem = check();
    return problem.empty() || add(Verdict::damaged, object, std::move(problem));
  } catch (const TimeoutError& e) {
    return add(Verdict::unchecked, object, static_cast<const Error&>(e).what());
  } catch (const Corrupt& e) {
    return add(Verdict::damaged, object, static_cast<const Error&>(e).what());
  }
}

std::vector<Finding> Inspection::run() {
  findings_.clear();
  live_.clear();
  owned_.clear();
  held_.clear();
  any_quarantined_ = false;
  judged_all_ = true;
  if (!has_tables(segment_)) {  // nothing else can be found without them
    add(Verdict::damaged, 0, "the header names tables that are outside the segment");
    return findings_;
  }
  if (segment_.runs().condemned()) {
    add(Verdict::quarantined, 0, "heap: was found damaged before; nothing is taken from it or given back to it");
  } else if (!look(0, [&] { return segment_.runs().verify(); })) {
    return findings_;
  }
  if (!findings_.empty()) findings_.back().heap = findings_.back().verdict == Verdict::damaged;
  const u64 before = motion();
  if (!look(0, [&] { return chunks(); })) return findings_;
  if (!look(0, [&] { return records(); })) return findings_;
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    if (!look(0, [&] { return registry_stripe(s); })) return findings_;
  }
  if (!look(0, [&] { return directory(); })) return findings_;
  if (!look(0, [&] { return clients(); })) return findings_;
  if (!containers()) return findings_;
  if (!findings_.empty()) {  // the rest follows from it
    judged_all_ = std::ranges::all_of(findings_, [](const Finding& f) { return f.verdict == Verdict::quarantined; });
    if (!judged_all_) return findings_;
  }
  std::string wrong_references, wrong_owners;
  const auto both = [&] {
    wrong_references = references();
    wrong_owners = ownership();
    return std::string();
  };
  if (!look(0, both)) return findings_;
  judged_all_ = at_rest() || motion() == before;
  if (!judged_all_) return findings_;
  if (!wrong_references.empty() && !add(Verdict::damaged, 0, std::move(wrong_references))) return findings_;
  if (!wrong_owners.empty()) add(Verdict::damaged, 0, std::move(wrong_owners));
  return findings_;
}

/// Chunks of slots. One that is none is followed by nobody (Objects::find): what lies before it is looked at all the same, what
/// lies in it or behind it cannot be reached.
std::string Inspection::chunks() const {
  for (std::size_t k = 0; k < ObjectTable::chunk_count; ++k) {
    const u64 chunk = table_.chunks[k].load();
    if (chunk != 0 && (chunk % 64 != 0 || !segment_.holds(chunk, ObjectTable::bytes_of_chunk(k)))) {
      return at("the table of objects names a chunk that is outside the segment: ", k);
    }
  }
  return "";
}

/// Locks of the tables, and transactions.
std::string Inspection::records() const {
  const auto stripe = [&](const Stripe& s, u64 kind) -> std::string {
    if (*s.mutex.damage() != '\0') return s.mutex.damage();
    if (s.mutex.condemned()) return "it is quarantined";
    if (s.owner.load() != kind) return "it is of another kind";
    return at_rest() ? rest_of(s) : std::string();
  };
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    if (std::string p = stripe(table_.stripes[s], static_cast<u64>(StripeKind::registry)); !p.empty()) {
      return at("registry stripe ", s) + ": " + p;
    }
  }
  if (std::string p = stripe(table_.directory, 0); !p.empty()) return "object directory: " + p;
  const ControlTable& control = control_table(segment_);
  if (std::string p = stripe(control.stripe, 0); !p.empty()) return "client table: " + p;
  if (*control.reaper.mutex.damage() != '\0')
    return std::string("lock of the reaper: ") + control.reaper.mutex.damage();
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    const char* p = control.collector[s].mutex.damage();
    if (*p != '\0') return at("collector ", s) + ": " + p;
  }
  const auto* records = &segment_.at<TransactionRecord>(segment_.header().records);
  for (std::size_t i = 0; i < transaction_records; ++i) {
    if (const char* p = records[i].mutex.damage(); *p != '\0') return at("transaction record ", i) + ": " + p;
    if (records[i].count.load() > most_participants)
      return at("more participants than a transaction can have: record ", i);
    if (!at_rest()) continue;
    if (records[i].mutex.owner_dead()) return at("a dead process' transaction was not finished: record ", i);
    if (records[i].mutex.owner() != 0) return at("a transaction is going on: record ", i);
  }
  return "";
}

/// Every slot ever used is live, dying, or, once, on the free list of its stripe. Collects the live ones.
std::string Inspection::registry_stripe(std::size_t s) {
  const Stripe& home = table_.stripes[s];
  if (is_no_lock(home)) return "";
  const StripeLock lock(segment_, objects_.stripe(s));
  if (const char* p = log_of(home); *p != '\0') return at("registry stripe ", s) + ": " + p;
  if (at_rest() && home.body[ObjectTable::dying_list].load() != 0) {
    return at("a dying object was not finished: index ", home.body[ObjectTable::dying_list].load() - 1);
  }
  const u64 used = home.body[ObjectTable::slots_used].load();
  u64 free = 0, listed = 0, dying = 0;
  for (u64 i = 0; i < used; ++i) {
    const u64 number = i * ObjectTable::stripe_count + s;
    const auto index = static_cast<u32>(number);
    const ObjectSlot* slot = number == index ? objects_.find(index) : nullptr;
    if (slot == nullptr) return at("an object without a slot: index ", number);
    const SlotWord word = SlotWord::of(slot->state.load());
    switch (word.state) {
      case SlotState::live:
        live_.push_back({index, make_ref(index, word.generation), word, slot->body.load()});
        break;
      case SlotState::dying:
        ++dying;
        break;
      case SlotState::free:
        ++free;
        if (slot->body.load() != 0 || slot->schema.load() != 0 || slot->name.load() != 0) {
          return at("a free slot that owns something: index ", index);
        }
        if (slot->count.load() != 0 || holders_of(*slot) != 0) return at("a reference to a free slot: index ", index);
        break;
      default:
        return at("a slot of an impossible state: index ", index);
    }
  }
  const auto walk = [&](u64 link, SlotState state, u64 most) {
    for (listed = 0; link != 0 && listed <= most; ++listed) {
      const ObjectSlot* slot = link - 1 <= ~u32{0} ? objects_.find(static_cast<u32>(link - 1)) : nullptr;
      const bool is_used = (link - 1) % ObjectTable::stripe_count == s && (link - 1) / ObjectTable::stripe_count < used;
      if (slot == nullptr || !is_used) return false;
      if (SlotWord::of(slot->state.load()).state != state) return false;
      link = slot->link.load();
    }
    return listed == most;
  };
  if (!walk(home.body[ObjectTable::free_list].load(), SlotState::free, free)) {
    return at("a free list that does not list the free slots: stripe ", s);
  }
  if (!walk(home.body[ObjectTable::dying_list].load(), SlotState::dying, dying)) {
    return at("a dying list that does not list the dying objects: stripe ", s);
  }
  return "";
}

/// Nothing is half done in it. For whoever holds it, or at rest.
const char* Inspection::log_of(const Stripe& s) {
  return half_done(segment_, s, owned_, leftovers());
}

std::string Inspection::texts(const ObjectSlot& slot) const {
  if (!looks_like_text(segment_, slot.schema.load())) return "its description is none";
  if (slot.name.load() != 0 && !looks_like_text(segment_, slot.name.load())) return "its name is none";
  return "";
}

std::string Inspection::container(const LiveSlot& slot) {
  const ObjectSlot& home = *objects_.find(slot.index);
  if (std::string p = texts(home); !p.empty()) return p;
  const Hosted hosted(segment_, slot.word.kind, slot.word.flags, slot.body);
  if (!hosted.has_body()) return "its body is no run of its kind";
  std::vector<u64> runs;
  if (std::string p = hosted.verify(runs, leftovers()); !p.empty()) return p;
  owned_.insert(owned_.end(), runs.begin(), runs.end());
  owned_.push_back(home.schema.load());
  if (home.name.load() != 0) owned_.push_back(home.name.load());
  for (const ObjectRef ref : hosted.references()) {
    if (!objects_.is_live(ref) && at_rest()) return "a reference to an object that has gone";
    ++held_[index_of(ref)];
  }
  return "";
}

bool Inspection::containers() {
  std::ranges::sort(live_, {}, &LiveSlot::index);
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    {
      std::optional<ActivityGuard> guard;  // while it is held no object of the stripe is taken apart
      if (!at_rest()) {
        const bool held = look(0, [&] {
          guard.emplace(segment_, control_table(segment_).collector[s], "taking objects apart");
          return std::string();
        });
        if (!held || !guard) continue;
      }
      for (LiveSlot& slot : live_) {
        if (slot.index % ObjectTable::stripe_count != s) continue;
        const SlotWord word = SlotWord::of(objects_.find(slot.index)->state.load());
        if (word.state != SlotState::live || word.generation != slot.word.generation) continue;  // it has gone since
        slot.word = word;
        slot.body = objects_.find(slot.index)->body.load();
        if ((word.flags & object_flag::quarantined) != 0) {
          any_quarantined_ = true;
          if (!add(Verdict::quarantined, slot.ref, "was found damaged before, and is out of use")) return false;
          continue;
        }
        if (!look(slot.ref, [&] {
              std::string p = container(slot);
              return p.empty() || !at_rest() ? p : at("object ", slot.index) + ": " + p;
            })) {
          return false;
        }
      }
    }
    if (!at_rest()) sweep_stripe(segment_, s);  // those who found the lock taken relied on its holder
  }
  const bool has_names = std::ranges::any_of(live_, [](const LiveSlot& slot) {
    return slot.index < ObjectTable::stripe_count && (slot.word.flags & object_flag::internal) != 0;
  });
  const bool saw_all =
      std::ranges::all_of(findings_, [](const Finding& f) { return f.verdict == Verdict::quarantined; });
  return has_names || !saw_all || add(Verdict::damaged, 0, "there is no dict of names");
}

/// What makes new slots for objects.
std::string Inspection::directory() {
  if (is_no_lock(table_.directory)) return "";
  const StripeLock lock(segment_, table_.directory);
  const char* p = log_of(table_.directory);
  return *p == '\0' ? "" : std::string("object directory: ") + p;
}

std::string Inspection::clients() {
  const ControlTable& control = control_table(segment_);
  const auto* lives = &segment_.at<ClientLife>(segment_.header().lives);
  if (is_no_lock(control.stripe)) return "";
  const StripeLock lock(segment_, control_table(segment_).stripe);
  if (const char* p = log_of(control.stripe); *p != '\0') return std::string("client table: ") + p;
  for (std::size_t i = 0; i < client_slots; ++i) {
    const u64 state = control.slots[i].state.load();
    if ((state & 0xFFFFFFFF) > static_cast<u64>(ClientState::transit))
      return at("a client of an impossible state: slot ", i);
    if (i == 0 && (state & 0xFFFFFFFF) != 0) return "client slot 0, which is nobody, is in use";
    if (const char* p = lives[i].mutex.damage(); *p != '\0') return at("life of client ", i) + ": " + p;
    const bool is_live = (state & 0xFFFFFFFF) == static_cast<u64>(ClientState::live);
    if (is_live && lives[i].client.load() != ClientId{static_cast<u32>(i), static_cast<u32>(state >> 32)}.word()) {
      return at("a process whose life is another's: slot ", i);
    }
  }
  return "";
}

/// Counts are what containers hold, bits are those of attached clients, and nobody lives without either. What quarantined objects
/// hold is not known: then a count may be higher.
std::string Inspection::references() const {
  std::array<u64, client_slots / 64> attached{};
  for (const ClientInfo& client : Clients(segment_).list())
    attached[client.id.slot / 64] |= u64{1} << client.id.slot % 64;
  for (const LiveSlot& live : live_) {
    const u32 index = live.index;
    const ObjectSlot& slot = *objects_.find(index);
    const u64 count = slot.count.load();
    const auto it = held_.find(index);
    const u64 held = it == held_.end() ? 0 : it->second;
    if (any_quarantined_ ? count < held : count != held) {
      return at("object ", index) + " counts " + std::to_string(count) + " references from containers; there are " +
             std::to_string(held);
    }
    for (std::size_t w = 0; w < attached.size(); ++w) {
      if ((slot.holders[w].load() & ~attached[w]) != 0)
        return at("a process that is not attached holds object ", index);
    }
    const bool internal = (SlotWord::of(slot.state.load()).flags & object_flag::internal) != 0;
    if (!internal && count == 0 && holders_of(slot) == 0) return at("nobody refers to the live object ", index);
  }
  return "";
}

/// Every allocated run has one owner, and every owned run is allocated. What quarantined objects own is not known, nor what a
/// quarantined heap has given out.
std::string Inspection::ownership() {
  owned_.push_back(segment_.header().records);
  owned_.push_back(segment_.header().registry);
  owned_.push_back(segment_.header().clients);
  owned_.push_back(segment_.header().lives);
  if (segment_.header().waits != 0) owned_.push_back(segment_.header().waits);
  for (const Word& chunk : table_.chunks) {
    if (chunk.load() != 0) owned_.push_back(chunk.load());
  }
  Runs runs = segment_.runs();
  if (runs.condemned()) return "";
  for (const u64 run : runs.pooled()) owned_.push_back(run);
  std::ranges::sort(owned_);
  if (const auto twice = std::ranges::adjacent_find(owned_); twice != owned_.end()) {
    return at("two owners of the run at offset ", *twice);
  }
  std::vector<u64> allocated;
  runs.for_each([&](u64 run, std::size_t, bool free, Pool) {
    if (!free) allocated.push_back(run);
  });
  const Clients clients(segment_);
  for (const u64 run : allocated) {
    if (any_quarantined_ || std::ranges::binary_search(owned_, run)) continue;
    const u64 owner = runs.owner_slot(run);
    if (owner == 0) return at("nobody owns the run at offset ", run);
    if (clients.info(owner).state == ClientState::free) {
      return at("private memory of a process that has gone, at offset ", run);
    }
  }
  for (const u64 run : owned_) {
    if (!std::ranges::binary_search(allocated, run)) return at("a run in use that is not allocated, at offset ", run);
  }
  return "";
}

/// Another number when any object was made, freed, changed, or got or lost a holder, or memory went to and fro. Without locks.
u64 Inspection::motion() const {
  u64 sum = 0;
  const auto add = [&](u64 word) { sum = std::rotl(sum ^ word, 7) * 0x9E3779B97F4A7C15ull; };
  const auto add_stripe = [&](const Stripe& s) { add(s.seq.load()); };
  for (const Stripe& s : table_.stripes) add_stripe(s);
  add_stripe(control_table(segment_).stripe);
  const auto& heap = segment_.at<HeapState>(heap_offset);  // a run that was taken is nobody's until a commit links it
  for (const Word* word : {&heap.top, &heap.used}) add(word->load());
  for (const Word& pool : heap.pool) add(pool.load());
  objects_.for_each([&](u32, ObjectSlot& slot) {
    const SlotWord word = SlotWord::of(slot.state.load());
    add(slot.state.load());
    add(slot.count.load());
    for (const Word& holders : slot.holders) add(holders.load());
    if (word.state != SlotState::live || (word.flags & object_flag::quarantined) != 0) return;
    const Hosted hosted(segment_, slot);
    if (hosted.has_body()) add(hosted.version());
  });
  return sum;
}

}  // namespace partage::kernel
