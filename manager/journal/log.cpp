#include "manager/journal/log.hpp"

namespace partage::kernel {
namespace {
std::size_t hash(const Word* word) noexcept {
  return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(word) >> 3) * 0x9E3779B97F4A7C15ull >> 20);
}
}  // namespace

const Plan::Entry* Plan::find_far(const Word* word) const {
  const std::size_t mask = far_->index.size() - 1;
  for (std::size_t p = hash(word) & mask;; p = (p + 1) & mask) {
    const u32 number = far_->index[p];
    if (number == 0) return nullptr;
    const Entry& e = (*this)[number - 1];
    if (e.word == word) return &e;
  }
}

void Plan::index_entry(std::size_t number) {
  const std::size_t mask = far_->index.size() - 1;
  std::size_t p = hash((*this)[number].word) & mask;
  while (far_->index[p] != 0) p = (p + 1) & mask;
  far_->index[p] = static_cast<u32>(number + 1);
}

void Plan::append_far(Entry e) {
  if (!far_) far_ = std::make_unique<Far>();
  far_->entries.push_back(e);
  ++size_;
  if (size_ * 2 > far_->index.size()) {
    std::size_t capacity = 64;
    while (capacity < size_ * 4) capacity *= 2;
    far_->index.assign(capacity, 0);
    for (std::size_t i = 0; i < size_; ++i) index_entry(i);
  } else {
    index_entry(size_ - 1);
  }
}

}  // namespace partage::kernel
