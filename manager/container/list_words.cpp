// The long way of operations on words, and many words at once.
#include "manager/container/list_words.hpp"

#include <algorithm>

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"

namespace partage::kernel {
namespace {

constexpr unsigned optimistic_tries = 64;
constexpr std::size_t small_words = 512;  // read without the lock; more is faster read under it than tried again

/// The words of [first, first + n), in at most two pieces, as fn(words, number).
template <class Fn>
void for_each_piece(const Ring& ring, u64 first, u64 n, Fn&& fn) {
  while (n != 0) {
    const u64 straight = std::min(n, ring.capacity() - ring.place(first));  // up to the end of the run
    fn(ring.slot(first), straight);
    first += straight;
    n -= straight;
  }
}

}  // namespace

bool List::get_word(std::ptrdiff_t i, u64& out) const {
  ReadTally::settle(body_->reads);  // try_get_word() may have given up for this
  bool found = false;
  const auto read = [&](const OptimisticRead* attempt) {
    const Ring now(*segment_, stripe(), sizeof(Word));
    const u64 index = index_of(i, now.count());
    found = index < now.count();
    if (!found) return true;
    if (attempt != nullptr && !now.in_bounds(*segment_)) return false;
    out = now.slot(index)->load();
    return true;
  };
  const auto without_lock = [&](const OptimisticRead& attempt) { return read(&attempt); };
  if (read_optimistically(stripe(), optimistic_tries, without_lock)) return found;
  if (read_in_user_code(*segment_, stripe(), optimistic_tries, without_lock)) return found;
  const ReadLock lock(*segment_, stripe());
  read(nullptr);
  return found;
}

void List::append_word_slowly(Segment& segment, ListBody& body, u64 word) {
  const List list(segment, body);
  const BytesView value{&word, list.config_.packed_size};
  ListWrite write(list, false);
  write.push_back({&value, 1});
  write.commit();
}

std::optional<u64> List::pop_word_slowly(Segment& segment, ListBody& body, std::ptrdiff_t i) {
  const List list(segment, body);
  Bytes bytes;
  if (!list.remove(i, nullptr, &bytes)) return std::nullopt;
  return list.word_of(bytes.view());
}

u64 List::read_words(const Slice& slice, FunctionView<void(std::span<const u64> words, std::size_t rest)> take) const {
  assert(config_.packed_size != 0);
  if (slice.step != 1 || config_.cell || UserCodeScope::active()) {
    ByteTable table;
    const u64 version = read_slice(slice, table);
    take({table.packed_words(), table.size()}, 0);
    return version;
  }
  if (ring().count() <= small_words) {
    u64 words[small_words];
    std::size_t n = 0;
    u64 version = 0;
    const auto read = [&](const OptimisticRead& attempt) {
      const Ring now = ring();
      const Selection selection = slice.resolve(now.count());
      n = 0;
      version = attempt.seq();
      if (selection.count > small_words) return false;
      if (selection.count == 0) return true;
      if (!now.in_bounds(*segment_)) return false;
      for_each_piece(now, selection[0], selection.count, [&](const Word* from, u64 straight) {
        copy_out(words + n, from, straight * sizeof(Word));
        n += straight;
      });
      return true;
    };
    if (read_optimistically(stripe(), optimistic_tries, read)) {
      take({words, n}, 0);
      return version;
    }
  }
  const ReadLock lock(*segment_, stripe());
  const Ring now = ring();
  const Selection selection = slice.resolve(now.count());
  std::size_t rest = selection.count;
  if (rest == 0) {
    take({}, 0);
  } else {
    for_each_piece(now, selection[0], selection.count, [&](const Word* from, u64 straight) {
      rest -= straight;
      take({reinterpret_cast<const u64*>(from), straight}, rest);
    });
  }
  return stripe().seq.load();
}

}  // namespace partage::kernel
