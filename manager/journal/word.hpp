// Words of shared memory, and the only ways to write one.
//
// Rule R: memory that is reachable from a shared structure changes only by applying a committed redo log. The types below
// make breaking it a compile error: a Word can be read by everybody, and written only by
//
//   Log     applying a committed log (journal/log.hpp)
//   Window  the sequence word of a stripe, around an apply (journal/stripe.hpp)
//   Draft   memory nobody can reach yet: a run fresh from the heap, or the slot behind an append cursor
// and four kinds of word stand outside rule R, because one store is all there is to commit:
//   Ticket    a counter whose gaps are harmless (order numbers)
//   WaitWord  a counter that waiters sleep on, of which any value is sound (journal/wait_word.hpp)
//   Cell      a value that says nothing of any other memory (a small Value)
//   Tally     a count for people, which no operation reads: after a death it may lack one, and nobody minds
//
// All accesses are relaxed atomics of 8 bytes: an optimistic reader may look at a word while it is written, must not be
// torn, and must not be a data race. Ordering comes from the sequence word and the locks, not from here.
//
// Layout: a Word is 8 bytes, little-endian, 8-aligned. Crash: a store of one aligned word is indivisible for a SIGKILL.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <partage/copy.hpp>

namespace partage::kernel {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

/// Keeps the compiler from moving stores across. A SIGKILL sees program order on one CPU, so this is all a commit needs;
/// other processes are ordered by the release stores of the window and the locks.
inline void compiler_barrier() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

class Word {
 public:
  Word() = default;
  Word(const Word&) = delete;
  Word& operator=(const Word&) = delete;

  u64 load() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
  u64 load_acquire() const noexcept { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }

 private:
  friend class Log;
  friend class Window;
  friend class Draft;
  friend class Ticket;
  friend class WaitWord;
  friend class Cell;
  friend class Tally;
  void store(u64 v) noexcept { __atomic_store_n(&value_, v, __ATOMIC_RELAXED); }
  void store_release(u64 v) noexcept { __atomic_store_n(&value_, v, __ATOMIC_RELEASE); }

  u64 value_;
};
static_assert(sizeof(Word) == 8 && alignof(Word) == 8);

/// A shared counter that several processes advance without a lock. Numbers drawn by a process that dies are lost; whoever
/// uses it must not mind gaps.
class Ticket {
 public:
  /// Draws `n` consecutive numbers and returns the first; the first ever drawn is 1.
  u64 draw(u64 n = 1) noexcept { return __atomic_fetch_add(&word_.value_, n, __ATOMIC_ACQ_REL) + 1; }
  /// The last number drawn by anybody.
  u64 last() const noexcept { return word_.load_acquire(); }

 private:
  Word word_;
};
static_assert(sizeof(Ticket) == 8);

/// A word that is a whole value by itself, which several processes read and write without a lock: no other word depends on
/// it, so one store or exchange is its own commit. It is never logged: a repair must not bring an old value back.
/// Sequentially consistent, as if under a lock: programs order other work by it.
class Cell {
 public:
  u64 load() const noexcept { return __atomic_load_n(&word_.value_, __ATOMIC_SEQ_CST); }
  void store(u64 v) noexcept { __atomic_store_n(&word_.value_, v, __ATOMIC_SEQ_CST); }
  /// False: it is not `expected`, which is what it is now.
  bool compare_exchange(u64& expected, u64 desired) noexcept {
    return __atomic_compare_exchange_n(&word_.value_, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
  /// Adds to an integer in the low bytes, modulo its size; the bytes above stay as they are. Returns it as it was.
  template <std::unsigned_integral U>
  U fetch_add(U by) noexcept {
    static_assert(std::endian::native == std::endian::little);
    return __atomic_fetch_add(reinterpret_cast<U*>(&word_.value_), by, __ATOMIC_SEQ_CST);
  }

 private:
  friend class Draft;
  Word word_;
};
static_assert(sizeof(Cell) == 8);

/// Counts what happened, in a reserved word of a structure, for `partage stat`. Such a word stands in no log, so a
/// repair does not bring an old count back. One locked instruction on a line that others may be reading: for paths that
/// wait anyhow, or for one operation of many.
class Tally {
 public:
  static void add(Word& word, u64 n = 1) noexcept { __atomic_fetch_add(&word.value_, n, __ATOMIC_RELAXED); }
};

// Many words at once (also Draft::copy_in), between private memory and memory that others may be reading or writing at the same
// time: optimistic readers, who throw away what they read when the sequence word has changed. To the language that is a race
// unless each word is copied by itself, atomically, as ThreadSanitizer has to see it. memcpy takes a fourth of the instructions.

/// The words may be changing; whether the copy is whole is for the caller to check.
inline void copy_out(void* to, const Word* from, std::size_t bytes) noexcept {
#if defined(__SANITIZE_THREAD__)
  auto* p = static_cast<std::byte*>(to);
  for (; bytes >= 8; bytes -= 8, p += 8) {
    const u64 v = (from++)->load();
    std::memcpy(p, &v, 8);
  }
  if (bytes == 0) return;
  const u64 v = from->load();
  std::memcpy(p, &v, bytes);
#else
  copy_bytes(to, from, bytes);
#endif
}

/// The right to write memory that no other process can reach. Whoever makes one vouches for that; the makers are the heap
/// (fresh runs), the arena (fresh blobs) and the containers (slots behind their cursor).
class Draft {
 public:
  Draft(void* begin, std::size_t bytes) noexcept
      : begin_(static_cast<std::byte*>(begin)), end_(static_cast<std::byte*>(begin) + bytes) {}

  void set(Word& w, u64 v) const noexcept {
    assert(owns(&w, sizeof w));
    w.store(v);
  }
  void set(Cell& cell, u64 v) const noexcept { set(cell.word_, v); }
  /// Copies bytes into words; the last word is padded with zeros. Optimistic readers may still look at it.
  void copy(Word* to, const void* from, std::size_t bytes) const noexcept {
    assert(owns(to, (bytes + 7) / 8 * 8));
    const std::size_t whole = bytes / 8;
    copy_in(to, from, whole);
    if (bytes % 8 == 0) return;
    u64 v = 0;
    std::memcpy(&v, static_cast<const std::byte*>(from) + whole * 8, bytes % 8);
    to[whole].store(v);
  }
  void zero(Word* to, std::size_t words) const noexcept {
    assert(owns(to, words * 8));
    for (std::size_t i = 0; i < words; ++i) to[i].store(0);
  }
  /// For structures made of 32-bit halves (the dict's index): a relaxed store of one half.
  void set_half(u32& half, u32 v) const noexcept {
    assert(owns(&half, sizeof half));
    __atomic_store_n(&half, v, __ATOMIC_RELAXED);
  }
  std::byte* begin() const noexcept { return begin_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

 private:
  [[maybe_unused]] bool owns(const void* p, std::size_t n) const noexcept {
    const auto* b = static_cast<const std::byte*>(p);
    return b >= begin_ && b + n <= end_;
  }
  static void copy_in(Word* to, const void* from, std::size_t words) noexcept {
#if defined(__SANITIZE_THREAD__)
    for (std::size_t i = 0; i < words; ++i) {
      u64 v;
      std::memcpy(&v, static_cast<const std::byte*>(from) + i * 8, 8);
      to[i].store(v);
    }
#else
    copy_bytes(to, from, words * 8);
#endif
  }

  std::byte* begin_;
  std::byte* end_;
};

}  // namespace partage::kernel
