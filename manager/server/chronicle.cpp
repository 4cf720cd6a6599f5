#include "manager/server/chronicle.hpp"

#include <unistd.h>

#include <algorithm>

#include "manager/platform/log.hpp"
#include "manager/registry/hosted.hpp"

namespace partage::kernel {
namespace {

std::string called(const Segment& segment) {
  const std::string name = segment.header().name;
  return name.empty() ? "a segment without a name" : "'" + name + "'";
}

}  // namespace

void Chronicle::began(bool took_over, const RepairReport& repaired) {
  repairs_ = segment_.header().repairs.last();
  committed_ = segment_.header().committed.load();
  if (!log::wants(LogLevel::warning)) return;
  if (took_over) {
    log::note(LogLevel::info, "process ", ::getpid(), " has taken over ", called(segment_),
              ", whose manager had died, with ", Clients(segment_).count_processes(), " attached processes");
  } else {
    log::note(LogLevel::info, "process ", ::getpid(), " begins to serve ", called(segment_));
  }
  tell_repairs(repaired);
}

void Chronicle::look() {
  if (!log::wants(LogLevel::warning)) return;
  const u64 repairs = segment_.header().repairs.last();
  if (repairs > repairs_) {
    log::note(LogLevel::warning, repairs - repairs_,
              " locks of dead processes were met by others, and what they guard was repaired");
  }
  repairs_ = repairs;
  const u64 committed = segment_.header().committed.load();
  if (committed > committed_) {
    log::note(LogLevel::debug, "the segment has grown to ", committed, " of at most ", segment_.header().max, " bytes");
  }
  committed_ = committed;

  std::array<Seen, client_slots> now{};
  for (const ClientInfo& client : Clients(segment_).list()) {
    if (client.process.pid != 0 && client.process.pid != ::getpid())
      now[client.id.slot] = {client.id.generation, client.process.pid};
  }
  for (std::size_t slot = 0; slot < client_slots; ++slot) {
    const Seen& before = seen_[slot];
    if (before.generation == now[slot].generation && before.pid == now[slot].pid) continue;
    if (before.pid != 0) log::note(LogLevel::debug, "process ", before.pid, " is not attached any more");
    if (now[slot].pid != 0) log::note(LogLevel::debug, "process ", now[slot].pid, " is attached");
  }
  seen_ = now;
}

void Chronicle::reaped(const std::vector<ClientId>& dead, const RepairReport& repaired) {
  repairs_ = segment_.header().repairs.last();
  if (!log::wants(LogLevel::warning)) return;
  for (const ClientId id : dead) {
    Seen& seen = seen_[id.slot];
    const ClientInfo there = Clients(segment_).info(id.slot);
    if (seen.pid == 0 || seen.generation != id.generation) continue;
    if (there.id == id && there.state != ClientState::free) continue;  // not yet
    if (there.id == id && there.ended) {
      log::note(LogLevel::debug, "process ", seen.pid, " is not attached any more");
    } else {
      log::note(LogLevel::warning, "process ", seen.pid,
                " has died without detaching; what it held has passed on, and its references are gone");
    }
    seen = {};
  }
  tell_repairs(repaired);
}

void Chronicle::tell_repairs(const RepairReport& repaired) noexcept {
  for (const Repaired& object : repaired) {
    log::note(LogLevel::warning, "object #", object.object, " (", name_of(object.kind),
              ") was repaired: a process died in the middle of an operation on it, which is finished or undone");
  }
}

void Chronicle::put_off(const char* what) noexcept {
  if (std::exchange(put_off_, true)) return;
  log::note(LogLevel::error, "not everything could be cleared up after dead processes: ", what,
            "; it is tried again every second");
}

void Chronicle::ended(const char* why) noexcept {
  try {
    log::note(LogLevel::info, "process ", ::getpid(), " does not serve ", called(segment_), " any more: ", why);
  } catch (...) {  // no memory for a sentence
  }
}

}  // namespace partage::kernel
