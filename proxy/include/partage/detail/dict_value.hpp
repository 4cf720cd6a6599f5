// Values of a dict as its elements are read and written: those of at most 8 bytes, whose encoding is their representation, go
// as one word through registers; all others as bytes.
//
// Thread and process safety: as the dict's.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include <partage/codec/codec.hpp>
#include <partage/detail/encoded.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/word.hpp>
#include <partage/engine/dict.hpp>

namespace partage::detail {

template <class K, class V>
[[gnu::noinline]] std::optional<V> get_as_bytes(const engine::Dict& dict, const KeyBytes<K>& key) {
  engine::Value value;
  if (!key.visit([&](const auto& k) { return dict.get(k, value); })) return std::nullopt;
  return decode<V>(value);
}

template <class K, class V>
inline std::optional<V> get_value(const engine::Dict& dict, const KeyBytes<K>& key) {
  if constexpr (is_word<V>) {
    if (const ShortKey* short_key = key.short_key()) [[likely]] {
      std::uint64_t word;
      const engine::WordResult result = dict.get_word(*short_key, sizeof(V), word);
      if (result == engine::WordResult::done) [[likely]]
        return from_word<V>(word);
      if (result == engine::WordResult::absent) return std::nullopt;
    }
  }
  return get_as_bytes<K, V>(dict, key);
}

template <class K, class V>
inline void set_value(const engine::Dict& dict, const KeyBytes<K>& key, const V& value) {
  if constexpr (is_word<V>) {
    if (const ShortKey* short_key = key.short_key()) [[likely]]
      return dict.set_word(*short_key, sizeof(V), to_word(value));
  }
  const Encoded<V> encoded(value, dict.object());
  key.visit([&](const auto& k) { dict.set(k, encoded.view()); });
}

/// Runs step(V&) of built-in arithmetic as one step on the value, without decoding it and without a scope for user code.
/// nullopt: the key is not there. False in `done`: the key or what is there is of another size; use modify().
template <class K, class V, class Step>
std::optional<V> compute_value(const engine::Dict& dict, const KeyBytes<K>& key, Step step, bool& done) {
  static_assert(std::is_arithmetic_v<V> && is_word<V>);
  done = false;
  const ShortKey* short_key = key.short_key();
  if (short_key == nullptr) return std::nullopt;
  V result{};
  const auto next = [&](std::uint64_t word) {
    V value = from_word<V>(word);
    result = step(value);
    return to_word(value);
  };
  const engine::WordResult outcome = dict.change_word(*short_key, sizeof(V), next);
  done = outcome != engine::WordResult::other;
  if (outcome != engine::WordResult::done) return std::nullopt;
  return result;
}

}  // namespace partage::detail
