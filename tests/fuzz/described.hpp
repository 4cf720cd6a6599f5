// Descriptions and bytes of elements as the fuzzers of the schema draw them from their input, and JSON both ways.
//
// Input: a bit says whether the description is the next text of the input, or made of it: of the words of the vocabulary,
// so that most of them can be read. Handles are shown as "#number" and found by it.
// Thread safety: one thread.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <charconv>
#include <partage/error.hpp>
#include <set>
#include <string>

#include "manager/schema/from_json.hpp"
#include "manager/schema/parse_json.hpp"
#include "manager/schema/to_json.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace partage::fuzz {

inline constexpr auto show_number = [](ObjectRef ref, const schema::Type&) {
  return boost::json::value("#" + std::to_string(ref));
};
inline constexpr auto find_number = [](std::string_view name, const schema::Type&) {
  ObjectRef ref = 0;
  const char* end = name.data() + name.size();
  const bool marked = name.starts_with('#');
  const auto [stop, error] = std::from_chars(name.data() + (marked ? 1 : 0), end, ref);
  if (!marked || error != std::errc() || stop != end) throw ValueError("partage: there is no such object");
  return ref;
};

/// What to_json() makes can be read.
inline boost::json::value parsed(std::string_view text) {
  auto value = schema::parse_json_if(text);
  if (!value) require(false, "what is shown is JSON: " + std::string(text));
  return *std::move(value);
}

/// A type of the vocabulary that the input says.
inline std::string described_type(FuzzedDataProvider& input, unsigned depth = 0) {
  static constexpr std::array single{"bool",
                                     "i8",
                                     "i16",
                                     "i32",
                                     "i64",
                                     "u8",
                                     "u16",
                                     "u32",
                                     "u64",
                                     "f32",
                                     "f64",
                                     "f80",
                                     "byte",
                                     "char",
                                     "wchar",
                                     "char8",
                                     "char16",
                                     "char32",
                                     "str",
                                     "bytes",
                                     "none",
                                     "object",
                                     "handle",
                                     "namespace",
                                     "lock",
                                     "f128",
                                     "boost shop::Graph",
                                     "user shop::Money:2",
                                     "enum shop::Color:i32",
                                     "enum E:char",
                                     "str<char16>",
                                     "str<u8>",
                                     "str<wchar>",
                                     "duration<i64,1/1000>",
                                     "time<system,f64,1/1>",
                                     "bitset<0>",
                                     "bitset<11>",
                                     "unheard<of<it>>",
                                     "struct Tree"};
  static constexpr std::array around_one{"opt",  "vec",   "set",   "multiset", "complex",
                                         "list", "queue", "tuple", "variant"};
  static constexpr std::array around_two{"map", "multimap", "pair", "variant", "tuple", "dict"};
  const auto inner = [&] { return described_type(input, depth + 1); };
  const unsigned form = depth < 40 ? input.ConsumeIntegralInRange<unsigned>(0, 6) : 0;
  switch (form) {
    case 1:
    case 2:
      return input.PickValueInArray(around_one) + ('<' + inner()) + '>';
    case 3: {
      const std::string word = input.PickValueInArray(around_two), first = inner();
      return word + '<' + first + ',' + inner() + '>';
    }
    case 4:
      return "array<" + inner() + ',' + std::to_string(input.ConsumeIntegralInRange<unsigned>(0, 20)) + '>';
    case 5:
      return "struct Tree{" + inner() + '}';
    case 6: {
      std::string parts = inner();
      for (unsigned n = input.ConsumeIntegralInRange<unsigned>(0, 4); n != 0; --n) parts += ',' + inner();
      return (input.ConsumeBool() ? "tuple<" : "variant<") + parts + '>';
    }
    default:
      return input.PickValueInArray(single);
  }
}

inline std::string description_in(FuzzedDataProvider& input) {
  return input.ConsumeBool() ? described_type(input) : input.ConsumeRandomLengthString();
}

inline schema::Role role_in(FuzzedDataProvider& input) {
  return input.ConsumeBool() ? schema::Role::key : schema::Role::value;
}

/// Whether is(part) for the type or any part of it; the parts of a handle are another object's.
template <class Is>
bool any_inside(const schema::Type& type, Is is) {
  std::set<const schema::Type*> met;
  const auto look = [&](const auto& self, const schema::Type& t) -> bool {
    if (!met.insert(&t).second) return false;
    if (is(t)) return true;
    if (t.is_handle()) return false;
    return std::ranges::any_of(t.parts, [&](const schema::Type* part) { return self(self, *part); });
  };
  return look(look, type);
}

/// A word of the description asks for much: an array of a million characters may be written as "".
inline bool is_large(const schema::Type& type) {
  return any_inside(type, [](const schema::Type& t) { return t.count > 4096; });
}

/// Somewhere in it are values of which only type and size can be shown.
inline bool has_secrets(const schema::Type& type) {
  return any_inside(type, [](const schema::Type& t) {
    using enum schema::Form;
    return t.form == user || t.form == boost || t.form == unknown || (t.form == floating && t.size == 16);
  });
}

}  // namespace partage::fuzz
