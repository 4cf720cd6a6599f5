#include "manager/segment/client_life.hpp"

#include <unistd.h>

#include <partage/error.hpp>

namespace partage::kernel {
namespace {
Lives::Judge judge = nullptr;
}

void Lives::set_judge(Judge who) noexcept {
  judge = who;
}

void Lives::make(Segment& segment) {
  constexpr std::size_t bytes = client_slots * sizeof(ClientLife);
  auto* table = static_cast<std::byte*>(segment.heap().allocate(bytes));
  if (table == nullptr) {
    throw OutOfMemory("partage: no room for the tables of a segment; set a larger ManagerOptions::max_size",
                      segment.header().max, segment.runs().used(), bytes);
  }
  for (std::size_t i = 0; i < client_slots; ++i) {
    auto* life = new (table + i * sizeof(ClientLife)) ClientLife;
    const Draft draft(life, sizeof *life);
    draft.set(life->client, 0);
    draft.set(life->waits_at, 0);
    draft.set(life->thread, 0);
  }
  segment.header().lives = segment.offset_of(table);
}

void Lives::begin(ClientId client) noexcept {
  ClientLife& life = at(client.slot);
  Log::commit_single(life.thread, 0);
  compiler_barrier();
  Log::commit_single(life.client, client.word());
}

void Lives::end(ClientId client) noexcept {
  ClientLife& life = at(client.slot);
  if (life.client.load() == client.word()) Log::commit_single(life.client, 0);
  Log::commit_single(life.waits_at, 0);
  life.mutex.wake_watchers();
}

void Lives::release() noexcept {
  ClientLife& life = at(segment_->client_slot);
  if (segment_->life_thread.load() != ::gettid() || life.mutex.owner() != ::gettid()) return;
  segment_->life_thread = 0;
  Log::commit_single(life.thread, 0);
  life.mutex.release();
  life.mutex.wake_watchers();
}

ClientId Lives::self() {
  ClientLife& life = at(segment_->client_slot);
  if (!held(life)) [[unlikely]] {
    // By this thread. When it ends before its process, the next call of another one takes over.
    const Acquired acquired = life.mutex.try_acquire();
    if (acquired == Acquired::owner_died) life.mutex.mark_consistent();
    if (acquired != Acquired::busy) {
      segment_->life_thread = ::gettid();
      Log::commit_single(life.thread, static_cast<u64>(::gettid()));
    }
  }
  return ClientId::of(life.client.load());
}

Life Lives::of(ClientId client) const {
  const ClientLife& life = at(client.slot);
  if (life.client.load() != client.word()) return Life::ended;
  if (held(life)) return Life::alive;
  return judge == nullptr ? Life::alive : judge(*segment_, client);
}

std::optional<FutexWord> Lives::watch(ClientId client) const noexcept {
  ClientLife& life = at(client.slot);
  return held(life) ? life.mutex.watch() : std::nullopt;
}

std::size_t Lives::waiters(u64 offset) const noexcept {
  std::size_t n = 0;
  for (u64 i = 1; i < client_slots; ++i) n += at(i).client.load() != 0 && at(i).waits_at.load() == offset;
  return n;
}

}  // namespace partage::kernel
