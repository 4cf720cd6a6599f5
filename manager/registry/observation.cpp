#include "manager/registry/observation.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "manager/container/dict_table.hpp"
#include "manager/container/list_layout.hpp"
#include "manager/container/roster.hpp"
#include "manager/container/sync_body.hpp"
#include "manager/platform/descriptors.hpp"
#include "manager/registry/hosted.hpp"
#include "manager/segment/arena.hpp"
#include "manager/segment/transaction.hpp"

namespace partage::kernel {
namespace {

constexpr u64 longest_name = 4096;
constexpr unsigned most_ring_log2 = 40;
constexpr u64 most_slots_looked_at = 1 << 16;

/// Where an offset of a wait or a lock belongs.
struct Place {
  ObjectRef object = 0;
  const char* reason = "";
  std::string what;
};

class Observer {
 public:
  explicit Observer(Segment& segment) : segment_(segment), lives_(segment) {}

  Observation look() {
    const SegmentHeader& header = segment_.header();
    if (!has_tables(segment_)) {
      throw Corrupt(
          "partage: the header of the segment names tables that are outside it; it was damaged from outside, start a "
          "new "
          "manager");
    }
    now_.repairs = header.repairs.last();
    now_.contended = header.contended.load();
    now_.sleeps = header.sleeps.load();
    now_.committed = header.committed.load();
    now_.max = header.max;
    now_.used = segment_.at<HeapState>(heap_offset).used.load();
    look_at_clients();
    look_at_own_locks();
    Objects(segment_).for_each([&](u32 index, ObjectSlot& slot) { look_at(index, slot); });
    std::ranges::sort(now_.objects, {}, &SeenObject::ref);
    look_at_waits();
    return std::move(now_);
  }

 private:
  bool holds(u64 offset, u64 bytes, u64 alignment = 8) const noexcept {
    return offset != 0 && offset % alignment == 0 && segment_.holds(offset, bytes);
  }

  void look_at_clients() {
    const ControlTable& table = control_table(segment_);
    for (u32 i = 1; i < client_slots; ++i) {
      const ClientSlot& slot = table.slots[i];
      const u64 word = slot.state.load_acquire();
      const auto state = static_cast<ClientState>(word & 255);
      if (state == ClientState::free) continue;
      SeenClient client{{i, static_cast<u32>(word >> 32)},
                        state,
                        {static_cast<pid_t>(slot.pid.load()), slot.start.load(), slot.image.load()},
                        ClientId::of(slot.reserver.load()),
                        false};
      std::atomic_thread_fence(std::memory_order_acquire);
      if (slot.state.load() != word) continue;
      if (state == ClientState::transit) {
        client.dead = !is_byte_locked(segment_.object().fd(), transit_lock_offset + i);
      } else {
        client.dead = client.process.pid != 0 && !is_alive(client.process);
      }
      now_.clients.push_back(client);
    }
  }

  pid_t pid_of(ClientId id) const noexcept {
    const auto it = std::ranges::find(now_.clients, id, &SeenClient::id);
    return it == now_.clients.end() ? 0 : it->process.pid;
  }

  void look_at_lock(const RobustMutex& mutex, u64 seq, Place place) {
    const u64 at = segment_.offset_of(&mutex);
    const pid_t owner = mutex.owner();
    const bool dead = mutex.owner_dead();
    if (owner != 0 || dead) now_.internals.push_back({place.object, place.what, owner, dead, at, seq});
    places_[at] = std::move(place);
  }
  void look_at_stripe(const Stripe& stripe, ObjectRef object, const char* what) {
    look_at_lock(stripe.mutex, stripe.seq.load(), {object, "internal lock", what});
  }

  void look_at_own_locks() {
    const auto own = [&](const RobustMutex& mutex, const char* what) {
      look_at_lock(mutex, 0, {0, "internal lock", what});
    };
    own(segment_.at<HeapState>(heap_offset).mutex, "heap");
    const auto* records = &segment_.at<TransactionRecord>(segment_.header().records);
    for (std::size_t i = 0; i < transaction_records; ++i) own(records[i].mutex, "transaction record");
    const auto& table = segment_.at<ObjectTable>(segment_.header().registry);
    for (const Stripe& stripe : table.stripes) look_at_stripe(stripe, 0, "table of objects");
    look_at_stripe(table.directory, 0, "directory of the table of objects");
    const ControlTable& control = control_table(segment_);
    look_at_stripe(control.stripe, 0, "table of processes");
    own(control.reaper.mutex, "reaping of dead processes");
    for (const ActivityLock& lock : control.collector) own(lock.mutex, "clearing up of objects");
  }

  std::string text_at(u64 run) const {
    if (!holds(run, 8, 64)) return {};
    const Word* words = &segment_.at<Word>(run);
    const u64 size = std::min(words[0].load(), longest_name);
    if (!segment_.holds(run + 8, size + 8)) return {};
    std::string text(size, 0);
    copy_out(text.data(), words + 1, size);
    return text;
  }

  void look_at(u32 index, const ObjectSlot& slot) {
    const u64 state = slot.state.load_acquire();
    const SlotWord word = SlotWord::of(state);
    if (word.state != SlotState::live) return;
    SeenObject object;
    object.ref = make_ref(index, word.generation);
    object.kind = word.kind;
    object.body = slot.body.load();
    const bool internal = (word.flags & object_flag::internal) != 0;
    object.name = internal ? "" : text_at(slot.name.load());
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot.state.load() != state) return;
    object.quarantined = (word.flags & object_flag::quarantined) != 0;
    switch (object.quarantined ? Shape::unknown : shape_of(word.kind)) {
      case Shape::list:
      case Shape::queue:
        look_at_list(object);
        break;
      case Shape::dict:
        look_at_dict(object, internal);
        break;
      case Shape::sync:
        look_at_sync(object);
        break;
      case Shape::unknown:
        break;
    }
    if (!internal) now_.objects.push_back(std::move(object));
  }

  void add_stripe(SeenObject& object, Stripe& stripe, const char* what, bool internal = false) {
    object.stripes.push_back({segment_.offset_of(&stripe), stripe.seq.load()});
    if (const Word* tally = stripe.contended()) object.contended += tally->load();
    look_at_stripe(stripe, internal ? 0 : object.ref, what);
  }
  void add_wait_word(SeenObject& object, const WaitWord& word, const char* reason) {
    object.sleeps += word.sleeps();
    places_[segment_.offset_of(&word)] = {object.ref, reason, ""};
  }

  void look_at_list(SeenObject& object) {
    if (!holds(object.body, sizeof(ListBody), 64)) return;
    auto& body = segment_.at<ListBody>(object.body);
    if (shape_of(object.kind) == Shape::list) {
      object.reads = body.reads.load();
      object.companion = body.value.companion.load();
    }
    measure_list(object, body);
    add_stripe(object, body.stripe, "lock");
    add_wait_word(object, body.items, "item");
    add_wait_word(object, body.room, "room");
    add_wait_word(object, body.done, "join");
  }

  u64 arena_bytes(const Stripe& stripe) const {
    const u64 arena = stripe.body[Change::arena_word].load();
    return holds(arena, sizeof(ArenaHead), 64) ? segment_.at<ArenaHead>(arena).total.load() : 0;
  }

  void measure_list(SeenObject& object, const ListBody& body) {
    const ListConfig config = ListConfig::of(body.config.load());
    const RingWord ring = RingWord::of(body.stripe.body[ListBody::ring].load());
    const EndsWord ends = EndsWord::of(body.stripe.body[ListBody::ends].load());
    object.elements = config.cell ? 1 : ends.count;
    object.bytes = sizeof(ListBody) + arena_bytes(body.stripe);
    const u64 slot_bytes = config.packed_size != 0 ? 8 : 16;
    if (ring.run == 0 || ring.log2 > most_ring_log2 || !holds(ring.run, slot_bytes << ring.log2, 64)) return;
    object.bytes += slot_bytes << ring.log2;
    if (config.packed_size != 0) return;
    // Values with a run of their own.
    const u64 mask = (u64{1} << ring.log2) - 1, count = std::min<u64>(ends.count, mask + 1);
    const u64 step = count / most_slots_looked_at + 1;
    for (u64 i = 0; i < count; i += step) {
      const Word* slot = &segment_.at<Word>(ring.run) + 2 * ((ends.head + i) & mask);
      const u64 blob = slot[0].load();
      if ((slot[1].load() & 255) != SlotWords::blob || !holds(blob, sizeof(BlobHead), 16)) continue;
      if ((segment_.at<BlobHead>(blob).head.load() & 255) != own_run_class) continue;
      object.bytes += step * BlobShape::of(segment_.at<BlobHead>(blob).shape.load()).payload();
    }
  }

  void look_at_dict(SeenObject& object, bool internal) {
    if (!holds(object.body, sizeof(DictBody), 64)) return;
    auto& body = segment_.at<DictBody>(object.body);
    object.reads = body.reads.load();
    const u64 root = body.root.load_acquire(), log2 = root & 255;
    if (log2 <= most_stripes_log2 && holds(root >> 8, sizeof(Stripe) << log2, 64)) {
      object.bytes = sizeof(DictBody) + (log2 == 0 ? 0 : sizeof(Stripe) << log2);
      for (u64 i = 0; i < u64{1} << log2; ++i) {
        const Stripe& stripe = (&segment_.at<Stripe>(root >> 8))[i];
        const TableWord table = TableWord::of(stripe.body[dict_table].load());
        if (stripe.body[dict_table].load() > no_table && !table.embedded)
          object.bytes += TableWord::bytes(table.log2 & 31);
        object.bytes += arena_bytes(stripe);
        object.elements += static_cast<u32>(stripe.body[dict_count].load());
        add_stripe(object, (&segment_.at<Stripe>(root >> 8))[i], internal ? "names of objects" : "lock", internal);
      }
    }
    add_wait_word(object, body.inserted, "key");
  }

  void look_at_sync(SeenObject& object) {
    if (!holds(object.body, sizeof(SyncBody), 64)) return;
    auto& body = segment_.at<SyncBody>(object.body);
    const auto word = [&](std::size_t i) { return body.stripe.body[i].load(); };
    object.companion = body.companion.load();
    object.bytes = sizeof(SyncBody);
    switch (body.kind()) {
      case SyncKind::lock:
      case SyncKind::rlock:
        if (const ClientId holder = ClientId::of(word(SyncBody::state)); holder.slot != 0) {
          const u64 detail = word(SyncBody::detail);
          SeenHolder held = holder_of(holder);
          if (body.kind() == SyncKind::rlock) {
            held.count = static_cast<u32>(detail);
            held.thread = static_cast<pid_t>(detail >> 32 & 0x7FFFFFFF);
          }
          object.holders.push_back(held);
        }
        break;
      case SyncKind::semaphore:
        object.permits = word(SyncBody::state);
        for_each_record(body, [&](ClientId client, u64) {
          const auto it = std::ranges::find(object.holders, client, &SeenHolder::client);
          if (it != object.holders.end()) {
            ++it->count;
          } else {
            object.holders.push_back(holder_of(client));
          }
        });
        break;
      case SyncKind::condition:
        for_each_record(body, [&](ClientId client, u64 ticket) {
          if (ticket > word(SyncBody::state)) object.enlisted.push_back(holder_of(client));
        });
        break;
      case SyncKind::barrier:
        for_each_record(body, [&](ClientId client, u64) { object.enlisted.push_back(holder_of(client)); });
        break;
      case SyncKind::event:
        break;
    }
    add_stripe(object, body.stripe, "lock");
    add_wait_word(object, body.changed, "");
  }

  SeenHolder holder_of(ClientId client) const {
    return {client, lives_.of(client) == Life::ended ? 0 : pid_of(client), 0, 1};
  }

  /// fn(client, data) for what stands in the roster.
  template <class Fn>
  void for_each_record(const SyncBody& body, Fn fn) const {
    const u64 run = body.stripe.body[SyncBody::roster].load(), ends = body.stripe.body[SyncBody::ends].load();
    const u64 log2 = run & 63, head = ends >> 32, mask = (u64{1} << log2) - 1;
    if (log2 > Roster::most_log2 || !holds(run >> 8, u64{16} << log2, 64)) return;
    const u64 span = std::min(ends & 0xFFFFFFFF, mask + 1);
    for (u64 i = 0; i < span; ++i) {
      const Word* words = &segment_.at<Word>(run >> 8) + 2 * ((head + i) & mask);
      if (const u64 client = words[0].load(); client != 0) fn(ClientId::of(client), words[1].load());
    }
  }

  void look_at_waits() {
    const auto add = [&](ClientId client, u64 at, pid_t thread, std::optional<Clock::time_point> since, bool timed) {
      const auto it = places_.find(at);
      const pid_t pid = pid_of(client);
      if (pid == 0 || it == places_.end()) return;
      now_.waits.push_back({client, pid, thread, since, timed, it->second.object, it->second.reason});
    };
    for (const WaitSeen& wait : waits_in(segment_)) add(wait.client, wait.at, wait.thread, wait.since, wait.timed);
    // Those that have no place in the table.
    for (const SeenClient& client : now_.clients) {
      const u64 at = lives_.waits_at_of(client.id);
      const auto it = places_.find(at);
      if (at == 0 || it == places_.end()) continue;
      const bool listed = std::ranges::any_of(now_.waits, [&](const SeenWait& w) { return w.client == client.id; });
      if (!listed) add(client.id, at, 0, std::nullopt, false);
    }
    std::ranges::sort(now_.waits, {}, [](const SeenWait& w) { return std::tuple(w.object, w.since, w.pid, w.thread); });
  }

  Segment& segment_;
  Lives lives_;
  Observation now_;
  std::map<u64, Place> places_;
};

}  // namespace

const SeenObject* Observation::find(ObjectRef ref) const noexcept {
  const auto it = std::ranges::find(objects, ref, &SeenObject::ref);
  return it == objects.end() ? nullptr : &*it;
}

Observation observe(Segment& segment) {
  return Observer(segment).look();
}

}  // namespace partage::kernel
