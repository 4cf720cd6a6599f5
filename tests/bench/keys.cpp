#include "tests/bench/keys.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace bench {

std::string key_text(std::size_t number, std::size_t size) {
  const std::string digits = std::to_string(number);
  std::string text = size >= 16 ? "key-" : "";
  text.append(size - text.size() - digits.size(), '0');
  return text + digits;
}

Keys random_keys(std::size_t entries, std::size_t key_size) {
  static std::map<std::pair<std::size_t, std::size_t>, std::weak_ptr<const KeyList>> made;
  auto& known = made[{entries, key_size}];
  if (Keys keys = known.lock()) return keys;
  std::mt19937_64 random(entries);
  auto keys = std::make_shared<KeyList>();
  const std::size_t count = std::clamp<std::size_t>(entries, 1 << 16, 1 << 20);
  for (std::size_t i = 0; i < count; ++i) keys->add(key_text(random() % entries, key_size));
  known = keys;
  return keys;
}

std::vector<std::ptrdiff_t> random_indexes(std::size_t entries) {
  std::mt19937_64 random(entries);
  std::vector<std::ptrdiff_t> indexes(1 << 16);
  for (std::ptrdiff_t& i : indexes) i = static_cast<std::ptrdiff_t>(random() % entries);
  return indexes;
}

NewKeys::NewKeys(int worker, std::size_t key_size) : text_(key_size, '0') {
  text_[0] = static_cast<char>('A' + worker);
}

}  // namespace bench
