#include "manager/journal/robust_list.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace partage::kernel {

constinit thread_local RobustList* RobustList::mine_ = nullptr;

/// By the kernel's word; nullptr: it knows of none, or of one of another kind.
RobustList* RobustList::look() noexcept {
  static_assert(offsetof(RobustList, list_) == 16 && offsetof(RobustList, pending_) == 32);
  static_assert(offsetof(pthread_mutex_t, __data.__list.__next) == 32 && offsetof(pthread_mutex_t, __data.__lock) == 0);
  robust_list_head* head = nullptr;
  std::size_t size = 0;
  if (::syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head == nullptr || size != sizeof *head) return nullptr;
  auto* const list = reinterpret_cast<RobustList*>(reinterpret_cast<std::byte*>(head) - offsetof(RobustList, list_));
  return list->futex_offset_ == -32 && list->tid_ == ::gettid() ? list : nullptr;
}

/// Does glibc's lock and unlock change what take() and give() change, and only that?
bool RobustList::is_as_described() noexcept {
  RobustList* const list = look();
  if (list == nullptr) return false;
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const bool made = pthread_mutex_init(&mutex, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  if (!made) return false;

  Entry* const before = list->list_;
  Entry* const entry = entry_of(mutex);
  const auto owner = [&] { return mutex.__data.__owner; };
  bool good = *word_of(mutex) == 0 && owner() == 0;
  if (pthread_mutex_trylock(&mutex) != 0) return false;
  good = good && *word_of(mutex) == static_cast<u32>(list->tid_) && owner() == list->tid_ && list->list_ == entry &&
         entry->next == before && entry->prev() == list->head() && untagged(before)->prev() == entry &&
         list->pending_ == nullptr;
  pthread_mutex_unlock(&mutex);
  good = good && *word_of(mutex) == 0 && owner() == 0 && list->list_ == before &&
         untagged(before)->prev() == list->head() && entry->next == nullptr && entry->prev() == nullptr;
  pthread_mutex_destroy(&mutex);
  return good;
}

/// Once for each thread. The answer is no static local with a guard: forked while another thread makes one, a child would wait for it
/// for ever. Two threads that both look find the same.
RobustList* RobustList::find() noexcept {
  enum Answer { unknown, yes, no };
  static constinit std::atomic<Answer> answer{unknown};
  Answer known = answer.load(std::memory_order_relaxed);
  if (known == unknown) answer.store(known = is_as_described() ? yes : no, std::memory_order_relaxed);
  return known == yes ? mine_ = look() : nullptr;
}

}  // namespace partage::kernel
