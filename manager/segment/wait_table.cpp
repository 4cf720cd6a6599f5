#include "manager/segment/wait_table.hpp"

#include <new>
#include <partage/error.hpp>

#include "manager/platform/thread_identity.hpp"

namespace partage::kernel {
namespace {

WaitEntry* entries_of(const Segment& segment) noexcept {
  const u64 table = segment.header().waits;
  if (table == 0 || table % alignof(WaitEntry) != 0 || !segment.holds(table, wait_entries * sizeof(WaitEntry))) {
    return nullptr;
  }
  return &segment.at<WaitEntry>(table);
}

u64 client_now(const Segment& segment, u64 slot) noexcept {
  return (&segment.at<ClientLife>(segment.header().lives))[slot % client_slots].client.load();
}

/// The use of a client slot that the entry names is over.
bool is_outdated(const Segment& segment, u64 client) noexcept {
  return client_now(segment, ClientId::of(client).slot) != client;
}

}  // namespace

void make_wait_table(Segment& segment) {
  constexpr std::size_t bytes = wait_entries * sizeof(WaitEntry);
  auto* table = static_cast<std::byte*>(segment.heap().allocate(bytes));
  if (table == nullptr) {
    throw OutOfMemory("partage: no room for the tables of a segment; set a larger ManagerOptions::max_size",
                      segment.header().max, segment.runs().used(), bytes);
  }
  const Draft draft(table, bytes);
  for (std::size_t i = 0; i < wait_entries; ++i) {
    auto* entry = new (table + i * sizeof(WaitEntry)) WaitEntry;
    draft.set(entry->client, 0);
    draft.zero(&entry->at, 3);
  }
  segment.header().waits = segment.offset_of(table);
}

ShownWait::ShownWait(Segment& segment, u64 at, bool timed, Clock::time_point since) noexcept {
  WaitEntry* const entries = segment.client_slot != 0 ? entries_of(segment) : nullptr;
  const u64 me = entries != nullptr ? client_now(segment, segment.client_slot) : 0;
  if (me == 0) return;
  const u32 thread = this_thread();
  for (std::size_t i = 0; i < wait_entries && entry_ == nullptr; ++i) {
    WaitEntry& entry = entries[(thread + i) % wait_entries];
    u64 client = entry.client.load();
    if (client != 0 && !is_outdated(segment, client)) continue;
    if (entry.client.compare_exchange(client, me)) entry_ = &entry;
  }
  if (entry_ == nullptr) return;
  Log::commit_single(entry_->since, static_cast<u64>(since.time_since_epoch().count()));
  Log::commit_single(entry_->thread, thread | (timed ? WaitEntry::timed : 0));
  compiler_barrier();
  Log::commit_single(entry_->at, at);
}

ShownWait::~ShownWait() {
  if (entry_ == nullptr) return;
  Log::commit_single(entry_->at, 0);
  compiler_barrier();
  entry_->client.store(0);
}

std::vector<WaitSeen> waits_in(const Segment& segment) {
  std::vector<WaitSeen> waits;
  WaitEntry* const entries = entries_of(segment);
  for (std::size_t i = 0; entries != nullptr && i < wait_entries; ++i) {
    const WaitEntry& entry = entries[i];
    const u64 client = entry.client.load(), at = entry.at.load();
    if (client == 0 || at == 0 || is_outdated(segment, client)) continue;
    const u64 thread = entry.thread.load();
    const auto since = Clock::duration(static_cast<Clock::rep>(entry.since.load()));
    if (entry.client.load() != client) continue;
    waits.push_back({ClientId::of(client), static_cast<pid_t>(thread & 0x7FFFFFFF), at, Clock::time_point(since),
                     (thread & WaitEntry::timed) != 0});
  }
  return waits;
}

}  // namespace partage::kernel
