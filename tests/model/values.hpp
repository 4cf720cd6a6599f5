// Random elements of the types the model tests run over: packed, inline and long strings, a struct.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace partage::test {

using Random = std::mt19937_64;

struct Reading {
  int station;
  std::vector<double> values;
  std::string note;
  bool operator==(const Reading&) const = default;
  auto operator<=>(const Reading& other) const { return station <=> other.station; }
};

template <class T>
T random_value(Random& random);

template <>
inline int random_value<int>(Random& random) {
  return static_cast<int>(random() % 50) - 25;
}
template <>
inline std::int64_t random_value<std::int64_t>(Random& random) {
  return static_cast<std::int64_t>(random() % 2 == 0 ? random() % 20 : random());
}
/// Lengths on both sides of every border: inline in an entry, in a slot, in the arena, in a run of its own.
template <>
inline std::string random_value<std::string>(Random& random) {
  const auto kind = random() % 100;
  const std::size_t n = kind < 70 ? random() % 18 : kind < 97 ? random() % 300 : random() % 6000;
  return std::string(n, static_cast<char>('a' + random() % 3));
}
template <>
inline Reading random_value<Reading>(Random& random) {
  Reading r{static_cast<int>(random() % 5), {}, random_value<std::string>(random)};
  r.values.resize(random() % 6, 0.5);
  return r;
}

}  // namespace partage::test
