#include <partage/codec/writer.hpp>

#include <algorithm>
#include <limits>
#include <new>

#include <partage/codec/scratch.hpp>
#include <partage/error.hpp>

namespace partage::codec {

Departing::~Departing() = default;
Arriving::~Arriving() = default;

void Writer::grow(std::size_t n) {
  if (n > std::numeric_limits<std::size_t>::max() / 4 - size_) throw std::bad_alloc();
  const std::size_t capacity = std::max(2 * capacity_, size_ + n);
  auto far = std::make_unique_for_overwrite<std::byte[]>(capacity);
  std::memcpy(far.get(), data_, size_);
  far_ = std::move(far);
  data_ = far_.get();
  capacity_ = capacity;
}

void Writer::clear() {
  size_ = 0;
  refs_.clear();
  depth_ = 0;
  canonical_ = false;
  departing_ = nullptr;
  if (capacity_ > keep_at_most) {
    far_.reset();
    data_ = near_;
    capacity_ = inline_capacity;
  }
}

void Writer::too_deep() {
  throw ValueError(
      "partage: the value nests deeper than 512 levels and could not be read back; store it flat, with "
      "indexes or handles instead of nesting");
}

namespace {

// The Writers of one thread, innermost last; only as many as operations were ever nested.
struct Stack {
  std::vector<std::unique_ptr<Writer>> writers;
  std::size_t used = 0;
  ~Stack();
};
thread_local Stack stack;
thread_local bool stack_is_gone = false;  // operations of exit handlers and static destructors come after it

Stack::~Stack() {
  stack_is_gone = true;
}

}  // namespace

Scratch::Scratch() {
  if (stack_is_gone) {
    writer_ = new Writer;
    return;
  }
  if (stack.used == stack.writers.size()) stack.writers.push_back(std::make_unique<Writer>());
  writer_ = stack.writers[stack.used].get();
  ++stack.used;
  writer_->clear();
}

Scratch::~Scratch() {
  if (stack_is_gone) {
    delete writer_;
  } else {
    --stack.used;
  }
}

}  // namespace partage::codec
