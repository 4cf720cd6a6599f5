#include "manager/registry/clients.hpp"

#include <unistd.h>

#include <partage/error.hpp>
#include <string>
#include <thread>

#include "manager/platform/descriptors.hpp"
#include "manager/registry/collect.hpp"
#include "manager/registry/reap.hpp"
#include "manager/registry/service.hpp"

namespace partage::kernel {
namespace {

struct StateWord {
  u32 generation;
  ClientState state;
  static StateWord of(u64 w) noexcept { return {static_cast<u32>(w >> 32), static_cast<ClientState>(w & 255)}; }
  u64 word() const noexcept { return u64{generation} << 32 | static_cast<u64>(state); }
};

ProcessIdentity identity_in(const ClientSlot& s) noexcept {
  return {static_cast<pid_t>(s.pid.load()), s.start.load(), s.image.load()};
}

void put_identity(Change& change, ClientSlot& s, const ProcessIdentity& who) {
  change.put(s.pid, static_cast<u64>(who.pid));
  change.put(s.start, who.start_time);
  change.put(s.image, who.image);
}

/// Where nobody watches, slots of children that never came are taken back by whoever finds none free.
std::size_t reap_orphans_in_time(Segment& segment, const std::vector<ClientInfo>& clients) {
  std::vector<ClientId> orphans;
  for (const ClientInfo& client : clients) {
    if (Clients(segment).is_orphan(client)) orphans.push_back(client.id);
  }
  if (orphans.empty()) return 0;
  std::this_thread::sleep_for(orphan_grace);
  return reap(segment, orphans, Orphans::take);
}

/// The slot is in this use, and not free.
bool is_use(const ClientSlot& s, ClientId id) noexcept {
  const StateWord word = StateWord::of(s.state.load());
  return word.state != ClientState::free && word.generation == id.generation;
}

}  // namespace

void require_same_pid_namespace(const Segment& segment) {
  const u64 theirs = control_table(segment).pid_namespace.load(), ours = own_pid_namespace();
  if (theirs == 0 || ours == 0 || theirs == ours) return;
  throw ConnectionError(
      "partage: this process lives in another PID namespace (container) than the manager, which could "
      "not see it die; run both in one, for instance with --pid=container:... or --pid=host");
}

std::optional<ClientId> Clients::try_take(ClientState state, const ProcessIdentity& who, ClientId reserver,
                                          int lock_fd) {
  Stripe& stripe = control_table(*segment_).stripe;
  const StripeLock lock(*segment_, stripe);
  require_live(*segment_, "attaching a process");  // under the lock: see shut_down_if_deserted()
  for (u32 i = 1; i < client_slots; ++i) {
    ClientSlot& s = slot(i);
    StateWord word = StateWord::of(s.state.load());
    if (word.state != ClientState::free) continue;
    // Before the slot is taken: who finds a transit client without its lock takes it for dead.
    if (state == ClientState::transit && !lock_byte(lock_fd, transit_lock_offset + i)) continue;
    word = {word.generation + 1, state};
    Change change(*segment_, stripe);
    put_identity(change, s, who);
    change.put(s.reserver, reserver.word());
    change.put(s.ended, 0);
    change.put(s.state, word.word());
    // Before the slot is live, so that a live slot has its life at every instant. The one before was nobody's.
    if (state == ClientState::live) Lives(*segment_).begin({i, word.generation});
    change.commit();
    return ClientId{i, word.generation};
  }
  return std::nullopt;
}

ClientId Clients::take(ClientState state, const ProcessIdentity& who, ClientId reserver, int lock) {
  if (const auto id = try_take(state, who, reserver, lock)) return *id;
  reap_all_dead(*segment_);
  if (const auto id = try_take(state, who, reserver, lock)) return *id;
  if (reap_orphans_in_time(*segment_, list()) != 0) {
    if (const auto id = try_take(state, who, reserver, lock)) return *id;
  }
  const std::size_t processes = count_processes(), senders = count() - processes;
  throw ConnectionError(
      "partage: " + std::to_string(processes) + " processes are attached to this manager" +
      (senders == 0 ? "" : ", and " + std::to_string(senders) + " open connections have sent handles of its objects") +
      ", which is the most it can have; end " + (senders == 0 ? "some" : "or close some") + ", or use another manager");
}

void Clients::give_back(ClientId id) {
  Objects(*segment_).release_all(id.slot);
  segment_->runs().release_owned_by(id.slot);
  free(id);
  collect(*segment_);
}

u64 Clients::attach() {
  require_same_pid_namespace(*segment_);
  segment_->client_slot = take(ClientState::live, own_identity(), {}).slot;
  segment_->life_thread = 0;
  if (::gettid() == ::getpid()) Lives(*segment_).self();  // the thread that lives as long as the process, most likely
  return segment_->client_slot;
}

void Clients::detach() {
  if (segment_->client_slot == 0) return;
  const ClientId id = info(segment_->client_slot).id;
  give_back_held(*segment_, id, false);
  Lives(*segment_).release();
  give_back(id);
  segment_->client_slot = 0;
}

void Clients::end() {
  if (segment_->client_slot == 0) return;
  Stripe& stripe = control_table(*segment_).stripe;
  const StripeLock lock(*segment_, stripe);
  Change change(*segment_, stripe);
  change.put(slot(segment_->client_slot).ended, 1);
  change.commit();
}

ClientId Clients::reserve_for_child() {
  const ClientId id = take(ClientState::reserved, {}, info(segment_->client_slot).id);
  try {
    Objects(*segment_).share_holdings(segment_->client_slot, id.slot);
  } catch (...) {
    cancel(id);
    throw;
  }
  return id;
}

ClientId Clients::begin_transit(int lock) {
  return take(ClientState::transit, {}, {}, lock);
}

void Clients::cancel(ClientId child) {
  if (is_use(slot(child.slot), child)) give_back(child);
}

void Clients::adopt(ClientId child) {
  require_same_pid_namespace(*segment_);
  Stripe& stripe = control_table(*segment_).stripe;
  const StripeLock lock(*segment_, stripe);
  ClientSlot& s = slot(child.slot);
  const pid_t noted = static_cast<pid_t>(s.pid.load());
  if (StateWord::of(s.state.load()).word() != StateWord{child.generation, ClientState::reserved}.word() ||
      (noted != 0 && noted != ::getpid())) {
    throw ConnectionError(
        "partage: this process was forked, but before it could take over what its parent held, the parent "
        "died and everything was given back");
  }
  Change change(*segment_, stripe);
  put_identity(change, s, own_identity());
  change.put(s.state, StateWord{child.generation, ClientState::live}.word());
  Lives(*segment_).begin(child);  // before the slot is live, as in try_take()
  change.commit();
  segment_->client_slot = child.slot;
  segment_->life_thread = 0;  // the parent's
  if (::gettid() == ::getpid()) Lives(*segment_).self();
}

void Clients::note_child(ClientId child, pid_t pid) {
  if (slot(child.slot).state.load() != StateWord{child.generation, ClientState::reserved}.word()) return;
  ProcessIdentity who = identity_of(pid);
  who.pid = pid;
  Stripe& stripe = control_table(*segment_).stripe;
  const StripeLock lock(*segment_, stripe);
  ClientSlot& s = slot(child.slot);
  if (s.state.load() != StateWord{child.generation, ClientState::reserved}.word() || s.pid.load() != 0) return;
  Change change(*segment_, stripe);
  put_identity(change, s, who);
  change.commit();
}

ClientInfo Clients::info(u64 i) const {
  if (i >= client_slots) return {};  // a word that was overwritten named it
  const StripeLock lock(*segment_, control_table(*segment_).stripe);
  const ClientSlot& s = slot(i);
  const StateWord word = StateWord::of(s.state.load());
  return {{static_cast<u32>(i), word.generation},
          word.state,
          identity_in(s),
          ClientId::of(s.reserver.load()),
          s.ended.load() != 0};
}

std::vector<ClientInfo> Clients::list() const {
  std::vector<ClientInfo> clients;
  const StripeLock lock(*segment_, control_table(*segment_).stripe);
  for (u32 i = 1; i < client_slots; ++i) {
    const ClientSlot& s = slot(i);
    const StateWord word = StateWord::of(s.state.load());
    if (word.state == ClientState::free) continue;
    clients.push_back(
        {{i, word.generation}, word.state, identity_in(s), ClientId::of(s.reserver.load()), s.ended.load() != 0});
  }
  return clients;
}

bool Clients::is_orphan(const ClientInfo& client) const {
  if (client.state != ClientState::reserved || client.process.pid != 0) return false;
  const ClientInfo reserver = info(client.reserver.slot);
  // Who reserves is a process that is attached; so no chain of reservers is followed.
  return reserver.id != client.reserver || reserver.process.pid == 0 || !is_alive(reserver.process);
}

bool Clients::is_dead(const ClientInfo& client) const {
  if (client.state == ClientState::free) return false;
  if (client.state == ClientState::transit) {
    return !is_byte_locked(segment_->object().fd(), transit_lock_offset + client.id.slot);
  }
  return client.process.pid != 0 ? !is_alive(client.process) : is_orphan(client);
}

std::size_t Clients::count() const {
  std::size_t n = 0;
  for (u32 i = 1; i < client_slots; ++i) n += StateWord::of(slot(i).state.load()).state != ClientState::free;
  return n;
}

std::size_t Clients::count_processes() const {
  std::size_t n = 0;
  for (u32 i = 1; i < client_slots; ++i) {
    const ClientState state = StateWord::of(slot(i).state.load()).state;
    n += state != ClientState::free && state != ClientState::transit;
  }
  return n;
}

bool Clients::free(ClientId id) {
  Stripe& stripe = control_table(*segment_).stripe;
  const StripeLock lock(*segment_, stripe);
  ClientSlot& s = slot(id.slot);
  if (!is_use(s, id)) return false;
  Change change(*segment_, stripe);
  put_identity(change, s, {});
  change.put(s.reserver, 0);
  change.put(s.state, StateWord{id.generation, ClientState::free}.word());
  change.commit();
  Lives(*segment_).end(id);
  return true;
}

Life Clients::judge(Segment& segment, ClientId id) {
  if (id.slot >= client_slots) return Life::ended;
  const ClientSlot& s = control_table(segment).slots[id.slot];
  const u64 live = StateWord{id.generation, ClientState::live}.word();
  if (s.state.load_acquire() != live) return Life::ended;
  const ProcessIdentity who = identity_in(s);
  const bool ended = s.ended.load() != 0;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (s.state.load() != live) return Life::ended;
  return is_alive(who) ? Life::alive : ended ? Life::ended : Life::dead;
}

bool Clients::shut_down_if_deserted() {
  const StripeLock lock(*segment_, control_table(*segment_).stripe);
  if (count() != 0) return false;
  segment_->shut_down();
  return true;
}

}  // namespace partage::kernel
