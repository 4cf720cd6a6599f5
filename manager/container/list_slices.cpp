// Slices and snapshots of a list.
#include <algorithm>
#include <partage/error.hpp>

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"
#include "manager/segment/refuse_damaged.hpp"

namespace partage::kernel {
namespace {
constexpr u64 small_bytes = 4096;  // of slots; more than that is faster read under the lock than tried again
constexpr unsigned optimistic_tries = 8;
}  // namespace

bool List::collect(const Selection& selection, ByteTable& out, const OptimisticRead* attempt) const {
  const Ring now = ring();
  out.reset(config_.packed_size);
  if (selection.count == 0) return true;
  if (attempt != nullptr && !now.in_bounds(*segment_)) return false;
  if (!now.packed()) {
    out.reserve(selection.count);
    for (std::size_t k = 0; k < selection.count; ++k) {
      if (!read_slot(*segment_, now.load(selection[k]), attempt, sink_into(out))) return false;
    }
    return true;
  }
  u64* to = out.add_words(selection.count);
  if (selection.step != 1) {
    for (std::size_t k = 0; k < selection.count; ++k) to[k] = now.slot(selection[k])->load();
    return true;
  }
  for (u64 from = selection[0], n = selection.count; n != 0;) {
    const u64 straight = std::min(n, now.capacity() - now.place(from));  // up to the end of the run
    if (attempt != nullptr) {
      copy_out(to, now.slot(from), straight * 8);
    } else {
      std::memcpy(to, now.slot(from), straight * 8);
    }
    to += straight;
    from += straight;
    n -= straight;
  }
  return true;
}

u64 List::read_slice(const Slice& slice, ByteTable& out) const {
  if (config_.cell) return slice_cell(slice, out);
  u64 version = 0;
  const auto read = [&](const OptimisticRead& attempt) {
    version = attempt.seq();
    return collect(slice.resolve(ring().count()), out, &attempt);
  };
  const Ring now = ring();
  const bool small = now.count() * now.stride() * 8 <= small_bytes;
  if (small && read_optimistically(stripe(), optimistic_tries, read)) return version;
  if (read_in_user_code(*segment_, stripe(), optimistic_tries, read)) return version;
  const ReadLock lock(*segment_, stripe());
  // Nobody disturbs an attempt now, so what fails is damaged. Large rings of words are copied faster without one.
  const OptimisticRead calm(stripe());
  if (!ring().in_bounds(*segment_) || !collect(slice.resolve(ring().count()), out, ring().packed() ? nullptr : &calm)) {
    refuse_damaged("a list");
  }
  return calm.seq();
}

u64 List::snapshot(ByteTable& out) const {
  return read_slice({}, out);
}

void List::slice(const Slice& which, ByteTable& out) const {
  read_slice(which, out);
}

std::size_t List::assign_slice(const Slice& slice, std::span<const BytesView> values) const {
  refuse_in_user_code("list.assign_slice");
  ListWrite write(*this, config_.handles);
  const u64 count = write.ring().count();
  const Selection selection = slice.resolve(count);
  if (slice.step != 1 && values.size() != selection.count) {
    throw ValueError("attempt to assign sequence of size " + std::to_string(values.size()) +
                     " to extended slice of size " + std::to_string(selection.count));
  }
  const auto start = static_cast<u64>(selection.start);
  const bool all_new =
      selection.step == 1 && selection.count > count / 2;  // then a new ring is less work than a long log
  if (values.size() == selection.count && !all_new) {
    for (std::size_t k = 0; k < values.size(); ++k) write.replace(selection[k], values[k]);
  } else if (start == count) {
    write.push_back(values);
  } else if (values.empty() && selection.count == count) {
    write.clear();
  } else {
    write.splice(start, selection.count, values);
  }
  write.commit();
  return selection.count;
}

void List::erase_slice(const Slice& slice) const {
  refuse_in_user_code("list.erase_slice");
  bool sparse = false;
  {
    ListWrite write(*this, config_.handles);
    const Ring& now = write.ring();
    const Selection gone = slice.resolve(now.count()).ascending();
    if (gone.count == 0) return;
    const u64 left = now.count() - gone.count, first = gone[0], last = gone[gone.count - 1];
    const bool in_one_piece = last - first + 1 == gone.count;
    if (left == 0) {
      write.clear();
    } else if (in_one_piece && (first == 0 || last + 1 == now.count())) {
      for (std::size_t k = 0; k < gone.count; ++k) write.drop(now.load(gone[k]));
      write.set_ends(first == 0 ? now.place(gone.count) : now.head(), left);
      sparse = now.sparse_with(left);
    } else {
      NewRing fresh(write, left);
      u64 from = 0;
      for (std::size_t k = 0; k < gone.count; ++k) {
        fresh.keep(from, gone[k] - from);
        write.drop(now.load(gone[k]));
        from = gone[k] + 1;
      }
      fresh.keep(from, now.count() - from);
      fresh.publish();
    }
    write.commit();
  }
  if (sparse) shrink();
}

}  // namespace partage::kernel
