// The bytes of many pairs for the length of one call into the engine, one behind the other in one buffer.
//
// Thread safety: a local variable's.
#pragma once

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/key.hpp>
#include <partage/engine/dict.hpp>
#include <partage/engine/error.hpp>

namespace partage::detail {

template <class T, class U>
decltype(auto) as(U&& x) {
  if constexpr (std::is_same_v<std::remove_cvref_t<U>, T>)
    return static_cast<const T&>(x);
  else
    return static_cast<T>(std::forward<U>(x));
}

template <class K, class V>
class EncodedPairs {
 public:
  /// `home`: as for Encoded.
  template <class Range, class Home>
  EncodedPairs(Range&& range, const Home& home) {
    static_assert(DictKey<K>::value);
    for (auto&& item : range) {
      mark();
      codec::encode_key(*scratch_, static_cast<const K&>(as<K>(std::get<0>(item))));
      if (scratch_->refs().size() != ends_.back().second) engine::throw_handle_in_key(codec::description<K>());
      mark();
      if constexpr (codec::holds_handles<V>) {
        kept_.push_back(as<V>(std::get<1>(item)));
        encode_for(*scratch_, kept_.back(), home);
      } else {
        encode_for(*scratch_, static_cast<const V&>(as<V>(std::get<1>(item))), home);
      }
    }
    mark();
    for (std::size_t i = 0; i + 2 < ends_.size(); i += 2) pairs_.push_back({part(i), part(i + 1)});
  }
  std::span<const engine::KeyValue> pairs() const { return pairs_; }

 private:
  void mark() { ends_.push_back({scratch_->size(), scratch_->refs().size()}); }
  BytesView part(std::size_t i) const {
    const auto [byte, ref] = ends_[i];
    const auto [next_byte, next_ref] = ends_[i + 1];
    return {scratch_->data() + byte, next_byte - byte, std::span(scratch_->refs().data() + ref, next_ref - ref)};
  }

  codec::Scratch scratch_;
  std::vector<V> kept_;  // handles that the range made on the way are held until they are stored
  std::vector<std::pair<std::size_t, std::size_t>> ends_;
  std::vector<engine::KeyValue> pairs_;
};

}  // namespace partage::detail
