#include "manager/schema/facts.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace partage::schema {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::uint64_t times(std::uint64_t n, std::uint64_t size) {
  return size != 0 && n > most / size ? 0 : n * size;
}

std::uint64_t sum_of_parts(const Type& type) {
  std::uint64_t sum = 0;
  for (const Type* part : type.parts) {
    const std::uint64_t size = fixed_size(*part);
    if (size == 0 || size > most - sum) return 0;
    sum += size;
  }
  return sum;
}

/// Whether is(part) for the type or any part of it. Structs that contain themselves are looked into once.
template <class Is>
bool any_inside(const Type& type, const Is& is, std::vector<const Type*>& open) {
  if (is(type)) return true;
  // A handle ends it: what is in the object is no part of the element.
  if (type.is_handle() || std::ranges::find(open, &type) != open.end()) return false;
  open.push_back(&type);
  const bool found = std::ranges::any_of(type.parts, [&](const Type* part) { return any_inside(*part, is, open); });
  open.pop_back();
  return found;
}
template <class Is>
bool any_inside(const Type& type, const Is& is) {
  std::vector<const Type*> open;
  return any_inside(type, is, open);
}

/// Without what it encloses: "struct shop::Node", "opt", "enum shop::Color:u8".
std::string_view head_of(const Type& type) {
  const std::string_view text = type.text;
  return type.parts.empty() ? text : text.substr(0, text.find(text.starts_with("struct ") ? '{' : '<'));
}

using Pair = std::pair<const Type*, const Type*>;

/// `met`: pairs that are the same unless something else differs.
bool is_same(const Type& a, const Type& b, std::set<Pair>& met) {
  if (&a == &b || !met.emplace(&a, &b).second) return true;
  if (a.form != b.form || a.count != b.count || a.parts.size() != b.parts.size() || head_of(a) != head_of(b)) {
    return false;
  }
  return std::ranges::equal(a.parts, b.parts, [&](const Type* x, const Type* y) { return is_same(*x, *y, met); });
}

}  // namespace

bool is_same(const Type& a, const Type& b) {
  std::set<Pair> met;
  return a.text == b.text || is_same(a, b, met);
}

std::uint64_t fixed_size(const Type& type) {
  if (type.nests) return 0;  // through a container
  switch (type.form) {
    case Form::boolean:
    case Form::integer:
    case Form::floating:
    case Form::character:
      return type.size;
    case Form::array:
      return type.count == 0 ? 1 : times(type.count, fixed_size(*type.parts[0]));
    case Form::tuple:
      return type.parts.empty() ? 1 : sum_of_parts(type);
    case Form::bitset:
      return type.count == 0 ? 1 : type.count / 8 + (type.count % 8 != 0 ? 1 : 0);
    case Form::none:
      return 1;
    default:
      return 0;
  }
}

bool holds_handles(const Type& type) {
  return any_inside(type, [](const Type& t) { return t.is_handle() || t.form == Form::user || t.form == Form::boost; });
}

bool has_unknown(const Type& type) {
  return any_inside(type, [](const Type& t) { return t.form == Form::unknown; });
}

}  // namespace partage::schema
