#include "manager/registry/verify.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <vector>

#include "manager/registry/clients.hpp"
#include "manager/registry/hosted.hpp"

namespace partage::kernel {
namespace {

/// One check after the other, each of them "" or a sentence.
class Verifier {
 public:
  explicit Verifier(Segment& segment)
      : segment_(segment), objects_(segment), table_(segment.at<ObjectTable>(segment.header().registry)) {}

  std::string run() {
    std::string problem = segment_.runs().verify();
    if (problem.empty()) problem = locks();
    if (problem.empty()) problem = lists();
    if (problem.empty()) problem = containers();
    if (problem.empty()) problem = references();
    if (problem.empty()) problem = ownership();
    return problem;
  }

 private:
  static std::string at(const char* what, std::size_t i) { return what + std::to_string(i); }

  /// Nothing is half done: stripes of the tables and transaction records.
  std::string locks() {
    for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
      if (std::string p = stripe(table_.stripes[s]); !p.empty()) return at("registry stripe ", s) + ": " + p;
    }
    if (std::string p = stripe(table_.directory); !p.empty()) return "object directory: " + p;
    if (std::string p = stripe(control_table(segment_).stripe); !p.empty()) return "client table: " + p;
    const auto* records = &segment_.at<TransactionRecord>(segment_.header().records);
    for (std::size_t i = 0; i < transaction_records; ++i) {
      if (records[i].mutex.owner_dead()) return at("a dead process' transaction was not finished: record ", i);
      if (records[i].mutex.owner() != 0) return at("a transaction is going on: record ", i);
    }
    return "";
  }

  static std::string stripe(const Stripe& s) {
    if (s.mutex.owner_dead()) return "its holder died and nobody has repaired it";
    if (s.mutex.owner() != 0) return "somebody holds it";
    if (s.commit.load() != 0) return "the log is not clean";
    if (Window::is_open(s)) return "the window is open";
    if (s.pend.load() != 0 || s.spill.load() != 0) return "runs in transit";
    return "";
  }

  /// Every slot ever used is live or, once, on the free list of its stripe; none is dying.
  std::string lists() {
    for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
      const Stripe& home = table_.stripes[s];
      if (home.body[ObjectTable::dying_list].load() != 0) {
        return at("a dying object was not finished: index ", home.body[ObjectTable::dying_list].load() - 1);
      }
      const u64 used = home.body[ObjectTable::slots_used].load();
      u64 free = 0, listed = 0;
      for (u64 i = 0; i < used; ++i) {
        const auto index = static_cast<u32>(i * ObjectTable::stripe_count + s);
        const ObjectSlot* slot = objects_.find(index);
        if (slot == nullptr) return at("an object without a slot: index ", index);
        switch (SlotWord::of(slot->state.load()).state) {
          case SlotState::live:
            live_.push_back(index);
            break;
          case SlotState::free:
            ++free;
            if (slot->body.load() != 0 || slot->schema.load() != 0 || slot->name.load() != 0) {
              return at("a free slot that owns something: index ", index);
            }
            if (slot->count.load() != 0 || holders(*slot) != 0) return at("a reference to a free slot: index ", index);
            break;
          default:
            return at("a slot of an impossible state: index ", index);
        }
      }
      for (u64 link = home.body[ObjectTable::free_list].load(); link != 0 && listed <= free; ++listed) {
        const auto index = static_cast<u32>(link - 1);
        const ObjectSlot* slot = objects_.find(index);
        if (index % ObjectTable::stripe_count != s || slot == nullptr) return at("a free list leaves its stripe: ", s);
        if (SlotWord::of(slot->state.load()).state != SlotState::free) {
          return at("a free list with a slot in use: index ", index);
        }
        link = slot->link.load();
      }
      if (listed != free) return at("a free list that does not list the free slots: stripe ", s);
    }
    return "";
  }

  std::string containers() {
    for (const u32 index : live_) {
      const ObjectSlot& slot = *objects_.find(index);
      const Hosted hosted(segment_, slot);
      if (std::string p = hosted.verify(owned_); !p.empty()) return at("object ", index) + ": " + p;
      owned_.push_back(slot.schema.load());
      if (slot.name.load() != 0) owned_.push_back(slot.name.load());
      for (const ObjectRef ref : hosted.references()) {
        if (!objects_.is_live(ref)) return at("a reference to an object that has gone, in object ", index);
        ++held_[index_of(ref)];
      }
    }
    return "";
  }

  static std::size_t holders(const ObjectSlot& slot) {
    std::size_t n = 0;
    for (const Word& w : slot.holders) n += static_cast<std::size_t>(std::popcount(w.load()));
    return n;
  }

  /// Counts are what containers hold, bits are those of attached clients, and nobody lives without either.
  std::string references() {
    std::array<u64, client_slots / 64> attached{};
    for (const ClientInfo& client : Clients(segment_).list()) {
      attached[client.id.slot / 64] |= u64{1} << client.id.slot % 64;
    }
    for (const u32 index : live_) {
      const ObjectSlot& slot = *objects_.find(index);
      const u64 count = slot.count.load();
      if (count != held_[index]) {
        return at("object ", index) + " counts " + std::to_string(count) + " references from containers; there are " +
               std::to_string(held_[index]);
      }
      for (std::size_t w = 0; w < attached.size(); ++w) {
        if ((slot.holders[w].load() & ~attached[w]) != 0) {
          return at("a process that is not attached holds object ", index);
        }
      }
      const bool internal = (SlotWord::of(slot.state.load()).flags & object_flag::internal) != 0;
      if (!internal && count == 0 && holders(slot) == 0) return at("nobody refers to the live object ", index);
    }
    return "";
  }

  /// Every allocated run has one owner, and every owned run is allocated.
  std::string ownership() {
    owned_.push_back(segment_.header().records);
    owned_.push_back(segment_.header().registry);
    owned_.push_back(segment_.header().clients);
    owned_.push_back(segment_.header().lives);
    for (const Word& chunk : table_.chunks) {
      if (chunk.load() != 0) owned_.push_back(chunk.load());
    }
    Runs runs = segment_.runs();
    for (const u64 run : runs.pooled()) owned_.push_back(run);
    std::ranges::sort(owned_);
    if (const auto twice = std::ranges::adjacent_find(owned_); twice != owned_.end()) {
      return at("two owners of the run at offset ", *twice);
    }
    std::vector<u64> allocated;
    runs.for_each([&](u64 run, std::size_t, bool free, Pool) {
      if (!free) allocated.push_back(run);
    });
    Clients clients(segment_);
    for (const u64 run : allocated) {
      if (std::ranges::binary_search(owned_, run)) continue;
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

  Segment& segment_;
  Objects objects_;
  ObjectTable& table_;
  std::vector<u32> live_;
  std::vector<u64> owned_;
  std::unordered_map<u32, u64> held_;
};

}  // namespace

std::string verify_segment(Segment& segment) {
  return Verifier(segment).run();
}

}  // namespace partage::kernel
