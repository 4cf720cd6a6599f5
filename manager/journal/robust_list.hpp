// The list of robust locks that a thread holds, as the kernel walks it when the thread dies (Documentation/locking/
// robust-futex-ABI.rst in its sources) and as glibc keeps it. Locking and unlocking a free robust mutex by glibc's functions
// takes 115 instructions, most of them about kinds of mutexes that this is not; here it takes 60.
//
// A lock taken here is one taken by pthread_mutex_trylock() in all that the kernel and other threads look at: the futex word
// and the list. It differs in two words that glibc alone reads, `__owner` and `__nusers`, which stay 0; so release() knows
// which of the two has taken it.
//
// Layout (glibc, struct pthread, the same since 2.5): tid i32 | unused i32 | prev | robust_list_head {list, futex_offset, pending}.
//         An entry is the address of the `__next` word of a mutex, behind its `__prev`; the head closes the ring.
// Crash:  `pending` names the mutex before its word is changed, until it is in the list or out of it. A death in between -> the
//         kernel looks at `pending`, and marks the word owner-dead if it carries the thread's id.
// Trust:  none without a look. The first use in a process takes and releases a lock by glibc's functions and compares what is in
//         memory with what is described here; where that differs glibc's functions do it all.
//
// Thread safety: each thread has its own. Fork: the child's one thread has it at the same address, with its own id in it.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "manager/journal/word.hpp"
#include "manager/platform/futex.hpp"

namespace partage::kernel {

class RobustList {
 public:
  /// Of this thread; nullptr: not to be used.
  static RobustList* mine() noexcept {
#if defined(__SANITIZE_THREAD__)
    return nullptr;  // it has to see the locks
#else
    return mine_ != nullptr ? mine_ : find();
#endif
  }

  /// False: it is not simply free; nothing has happened.
  bool take(pthread_mutex_t& mutex) noexcept {
    Entry* const entry = entry_of(mutex);
    begin(entry);
    u32 free = 0;
    if (!__atomic_compare_exchange_n(word_of(mutex), &free, static_cast<u32>(tid_), false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
      end();
      return false;
    }
    compiler_barrier();
    Entry* const first = list_;
    untagged(first)->set_prev(entry);
    entry->set_next(first);
    entry->set_prev(head());
    compiler_barrier();
    list_ = entry;
    end();
    return true;
  }
  /// Of what take() took.
  void give(pthread_mutex_t& mutex) noexcept {
    Entry* const entry = entry_of(mutex);
    begin(entry);
    Entry* const before = entry->prev();
    Entry* const after = entry->next;
    untagged(after)->set_prev(before);
    untagged(before)->set_next(after);
    compiler_barrier();
    const u32 was = __atomic_exchange_n(word_of(mutex), 0, __ATOMIC_RELEASE);
    // While it is pending: after a death in between the kernel, which finds the lock free, wakes one.
    if ((was & FUTEX_WAITERS) != 0) [[unlikely]]
      wake_one(word_of(mutex));
    end();
  }
  /// pthread_mutex_trylock() has taken it, or it is unusable.
  static bool is_glibcs(const pthread_mutex_t& mutex) noexcept {
    return __atomic_load_n(&mutex.__data.__owner, __ATOMIC_RELAXED) != 0;
  }

 private:
  struct Entry {
    Entry* next;
    Entry* prev() noexcept { return prev_word(); }
    // Atomic, so that no two stores are made one of 16 bytes, for which the loads of 8 that follow would wait.
    void set_next(Entry* to) noexcept { __atomic_store_n(&next, to, __ATOMIC_RELAXED); }
    void set_prev(Entry* to) noexcept { __atomic_store_n(&prev_word(), to, __ATOMIC_RELAXED); }

   private:
    Entry*& prev_word() noexcept { return *(reinterpret_cast<Entry**>(this) - 1); }
  };

  static RobustList* find() noexcept;
  static RobustList* look() noexcept;
  static bool is_as_described() noexcept;

  static Entry* entry_of(pthread_mutex_t& mutex) noexcept {
    return reinterpret_cast<Entry*>(&mutex.__data.__list.__next);
  }
  static u32* word_of(pthread_mutex_t& mutex) noexcept {
    return reinterpret_cast<u32*>(&mutex.__data.__lock);
  }
  /// Entries of locks with priority inheritance, which the program may hold, have the lowest bit set.
  static Entry* untagged(Entry* entry) noexcept {
    return reinterpret_cast<Entry*>(reinterpret_cast<std::uintptr_t>(entry) & ~std::uintptr_t{1});  // NOLINT: a tag
  }
  Entry* head() noexcept {
    return reinterpret_cast<Entry*>(&list_);
  }
  void begin(Entry* entry) noexcept {
    pending_ = entry;
    compiler_barrier();
  }
  void end() noexcept {
    compiler_barrier();
    pending_ = nullptr;
  }

  // As UserCodeScope::innermost: one load, in a shared library too.
  [[gnu::tls_model("initial-exec")]] static constinit thread_local RobustList* mine_;  // NOLINT: a private member

  pid_t tid_;
  [[maybe_unused]] int unused_;
  [[maybe_unused]] Entry* last_;  // the head's prev
  Entry* list_;  // the head's next: what robust_list_head begins with
  long futex_offset_;
  Entry* pending_;
};

}  // namespace partage::kernel
