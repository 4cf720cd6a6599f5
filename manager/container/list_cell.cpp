// A list of one small element that is a word of its body: everything without the lock.
//
// Crash: one store or one exchange is the commit. Whoever dies before it has changed nothing.
#include "manager/container/list_read.hpp"
#include "manager/container/list_words.hpp"

namespace partage::kernel {
namespace {

bool is_the_only_one(std::ptrdiff_t i) noexcept {
  return i == 0 || i == -1;
}

}  // namespace

bool List::get_cell(std::ptrdiff_t i, Bytes& out) const {
  if (!is_the_only_one(i)) return false;
  unpack(body_->value.cell.load(), config_.packed_size, out);
  return true;
}

bool List::set_cell(std::ptrdiff_t i, BytesView value) const {
  refuse_in_user_code("value.set");
  if (!is_the_only_one(i)) return false;
  body_->value.cell.store(word_of(value));
  return true;
}

bool List::modify_cell(std::ptrdiff_t i, FunctionView<void(BytesView current, Bytes& next)> fn) const {
  refuse_in_user_code("value.modify");
  if (!is_the_only_one(i)) return false;
  Bytes current, next;
  for (u64 now = body_->value.cell.load();;) {
    unpack(now, config_.packed_size, current);
    run_user_code([&] { fn(current.view(), next); });
    if (body_->value.cell.compare_exchange(now, word_of(next.view()))) return true;
  }
}

u64 List::slice_cell(const Slice& slice, ByteTable& out) const {
  out.reset(config_.packed_size);
  if (slice.resolve(1).count != 0) *out.add_words(1) = body_->value.cell.load();
  return stripe().seq.load();
}

std::string List::verify_cell() const {
  const u64 word = body_->value.cell.load();
  if (config_.queue) return "";
  if (!config_.cell) return word == 0 ? "" : "list: a cell that nobody uses";
  if (config_.packed_size < 8 && word >> config_.packed_size * 8 != 0) return "list: bits beyond a cell";
  return ring().run() == 0 ? "" : "list: a ring beside a cell";
}

}  // namespace partage::kernel
