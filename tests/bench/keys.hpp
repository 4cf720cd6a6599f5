// The keys of a dict, and the order in which they are used.
#pragma once

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// "key-000000000042": the number in as many digits as fit behind "key-", or in all of the key when it is short.
std::string key_text(std::size_t number, std::size_t size);

/// Uniformly random keys, as copies that lie one behind the other in the order of use, as in a caller's own buffer: what is
/// measured is the dict, not where keys lie. At least as many as would fill the cache several times over, when there are so many.
class KeyList {
 public:
  void add(std::string_view key) {
    size_of_each_ = key.size();
    text_ += key;
  }
  std::size_t size() const { return text_.size() / size_of_each_; }
  std::string_view operator[](std::size_t i) const { return {text_.data() + i * size_of_each_, size_of_each_}; }

 private:
  std::string text_;
  std::size_t size_of_each_ = 1;
};
using Keys = std::shared_ptr<const KeyList>;
Keys random_keys(std::size_t entries, std::size_t key_size);

/// Uniformly random indexes below `entries`.
std::vector<std::ptrdiff_t> random_indexes(std::size_t entries);

/// Where worker i of n begins in something of that size, so that they do not walk in step.
inline std::size_t start_of(int worker, int workers, std::size_t size) {
  return size * static_cast<std::size_t>(worker) / static_cast<std::size_t>(workers);
}

/// Walks round and round.
template <class Range>
class Cursor {
 public:
  Cursor(std::shared_ptr<const Range> range, std::size_t at) : range_(std::move(range)), at_(at) {}
  decltype(auto) next() {
    if (at_ == range_->size()) at_ = 0;
    return (*range_)[at_++];
  }

 private:
  std::shared_ptr<const Range> range_;
  std::size_t at_;
};

/// Keys that no other worker makes: counted up in the text itself, which costs next to nothing.
class NewKeys {
 public:
  NewKeys(int worker, std::size_t key_size);
  std::string_view next() {
    std::size_t i = text_.size() - 1;
    for (; text_[i] == '9'; --i) text_[i] = '0';
    ++text_[i];
    return text_;
  }

 private:
  std::string text_;
};

}  // namespace bench
