// Operations on a whole list, and those that run user code under its lock.
#include <partage/error.hpp>

#include "manager/container/list_read.hpp"
#include "manager/container/list_write.hpp"

namespace partage::kernel {

// ---- all elements in another order ----------------------------------------------------------------------------------

void List::permute(ListWrite& write, std::span<const u32> order) const {
  const Ring& now = write.ring();
  std::vector<bool> seen(now.count());
  bool whole = order.size() == now.count();
  for (std::size_t k = 0; whole && k < order.size(); ++k) {
    whole = order[k] < seen.size() && !seen[order[k]];
    if (whole) seen[order[k]] = true;
  }
  if (!whole) throw ValueError("partage: the new order of a list must name each of its elements once");
  if (order.empty()) return;
  NewRing fresh(write, now.count());
  for (const u32 i : order) fresh.push(now.load(i));
  fresh.publish();
  write.commit();
}

bool List::permute_if(u64 version, std::span<const u32> order) const {
  refuse_in_user_code("list.sort");
  ListWrite write(*this, false);
  if (stripe().seq.load() != version) return false;
  permute(write, order);
  return true;
}

void List::reverse() const {
  refuse_in_user_code("list.reverse");
  ListWrite write(*this, false);
  const Ring& now = write.ring();
  if (now.count() < 2) return;
  NewRing fresh(write, now.count());
  for (u64 i = now.count(); i-- > 0;) fresh.push(now.load(i));
  fresh.publish();
  write.commit();
}

// ---- all elements several times, or not at all ----------------------------------------------------------------------

void List::repeat(std::ptrdiff_t times) const {
  refuse_in_user_code("list.repeat");
  if (times <= 0) return clear();
  ListWrite write(*this, config_.handles);
  const Ring& now = write.ring();
  const u64 n = now.count(), t = static_cast<u64>(times);
  if (n == 0 || t == 1) return;
  NewRing fresh(write, t > Ring::most_elements / n ? Ring::most_elements + 1 : n * t);
  fresh.keep(0, n);
  for (u64 k = 1; k < t; ++k) {
    for (u64 i = 0; i < n; ++i) fresh.push(write.make_copy(now.load(i)));
  }
  fresh.publish();
  write.commit();
}

void List::clear() const {
  refuse_in_user_code("list.clear");
  ListWrite write(*this, config_.handles);
  write.clear();
  write.commit();
}

// ---- user code ------------------------------------------------------------------------------------------------------

bool List::modify(std::ptrdiff_t i, FunctionView<void(BytesView current, Bytes& next)> fn) const {
  if (config_.cell) return modify_cell(i, fn);
  refuse_in_user_code("list.modify");
  ListWrite write(*this, config_.handles);
  const auto index = resolve_index(i, write.ring().count());
  if (!index) return false;
  Bytes current, next;
  read_element(*segment_, write.ring(), config_.packed_size, *index, current, nullptr);
  run_user_code(
      stripe(), [&] { fn(current.view(), next); }, [&] { write.abandon(); });
  write.replace(*index, next.view());
  write.commit();
  return true;
}

void List::reorder(FunctionView<std::vector<u32>(const ByteTable&)> fn) const {
  refuse_in_user_code("list.sort");
  ListWrite write(*this, false);
  ByteTable elements;
  collect(Slice{}.resolve(write.ring().count()), elements, nullptr);
  std::vector<u32> order;
  run_user_code(
      stripe(), [&] { order = fn(elements); }, [&] { write.abandon(); });
  permute(write, order);
}

}  // namespace partage::kernel
