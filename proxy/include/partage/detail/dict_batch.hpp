// Many keys of a dict at a time, in groups whose cache misses overlap: of a group, first all index lines are fetched, then all
// entries, then each key is looked up. In a dict that does not fit into the cache this takes about two thirds of the time.
//
// Every key is an operation of its own; between two of them others may change the dict.
// Thread and process safety: as the dict's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <vector>

#include <partage/detail/key.hpp>
#include <partage/engine/dict.hpp>

namespace partage::detail {

inline constexpr std::size_t batch_group = 32;  // entries of two lines each: 4 KiB, far below any first cache

/// Calls each(key, iterator) for every element of the range; key_of(element) is the bytes of its key.
template <class K, std::ranges::forward_range Range, class KeyOf, class Each>
void in_groups(const engine::Dict& dict, Range& range, KeyOf key_of, Each each) {
  std::vector<KeyBytes<K>> keys;
  keys.reserve(batch_group);
  auto it = std::ranges::begin(range);
  const auto end = std::ranges::end(range);
  while (it != end) {
    keys.clear();
    auto next = it;
    for (; next != end && keys.size() < batch_group; ++next) keys.emplace_back(key_of(*next));
    for (const KeyBytes<K>& key : keys) {
      if (const ShortKey* short_key = key.short_key()) dict.prefetch_index(*short_key);
    }
    for (const KeyBytes<K>& key : keys) {
      if (const ShortKey* short_key = key.short_key()) dict.prefetch_entry(*short_key);
    }
    for (const KeyBytes<K>& key : keys) each(key, it++);
  }
}

}  // namespace partage::detail
