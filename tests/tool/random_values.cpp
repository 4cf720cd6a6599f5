#include "tests/tool/random_values.hpp"

#include <array>
#include <cfloat>
#include <cmath>
#include <limits>

namespace partage::test {

using schema::Form;
using schema::Type;

std::string RandomValues::leaf(bool handles, bool key) {
  static constexpr std::array plain{"bool",
                                    "byte",
                                    "i8",
                                    "i16",
                                    "i32",
                                    "i64",
                                    "u8",
                                    "u16",
                                    "u32",
                                    "u64",
                                    "char",
                                    "char8",
                                    "char16",
                                    "char32",
                                    "str",
                                    "str<char16>",
                                    "str<char32>",
                                    "str<u8>",
                                    "bytes",
                                    "bitset<0>",
                                    "bitset<13>",
                                    "none",
                                    "array<char,6>",
                                    "enum shop::Color:u8",
                                    "duration<i64,1/1000>",
                                    "array<u16,3>"};
  static constexpr std::array in_values{"f32",
                                        "f64",
                                        "f64",
                                        "f64",
                                        "object",
                                        "object",
                                        "complex<f32>",
                                        "user shop::Money",
                                        "boost shop::Tree",
                                        "struct shop::Node{i32,vec<struct shop::Node>}"};
  if (handles && chance(25)) return chance(50) ? "list<i32>" : "handle";
  if (!key && chance(35)) return in_values[below(in_values.size())];
  return plain[below(plain.size())];
}

std::string RandomValues::description(unsigned depth, bool handles, bool key) {
  if (depth == 0 || chance(35)) return leaf(handles, key);
  const auto inner = [&](bool as_key = false) { return description(depth - 1, handles && !as_key, key || as_key); };
  switch (below(9)) {
    case 0:
      return "opt<" + inner() + '>';
    case 1:
      return "vec<" + inner() + '>';
    case 2:
      return "set<" + inner(true) + '>';
    case 3:
      return (chance(70) ? "map<" : "multimap<") + inner(true) + ',' + inner() + '>';
    case 4:
      return "array<" + inner() + ',' + std::to_string(below(4)) + '>';
    case 5:
      return "pair<" + inner() + ',' + inner() + '>';
    case 6:
      return "struct shop::S" + std::to_string(depth) + '{' + inner() + ',' + inner() + ',' + inner() + '}';
    case 7:
      return "tuple<>";
    default:
      return "variant<" + inner() + ',' + (chance(40) ? "none" : inner()) + ',' + inner() + '>';
  }
}

void RandomValues::raw(std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out_ += static_cast<char>(random_());
}

void RandomValues::count(std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
  out_ += static_cast<char>(n);
}

void RandomValues::text(std::size_t unit) {
  const std::size_t n = below(chance(5) ? 300 : 6);
  count(n);
  if (unit != 1 || chance(20)) return raw(n * unit);  // mostly no text at all
  for (std::size_t i = 0; i < n; ++i) out_ += "ab\"\\\n\x7f #{}0 9"[below(14)];
}

void RandomValues::floating(std::size_t size) {
  constexpr double odd[] = {0.0,
                            -0.0,
                            0.1,
                            1e300,
                            5e-324,
                            std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()};
  if (chance(60)) return raw(size);  // NaNs of every kind among them
  const double x = odd[below(std::size(odd))];
  if (size == sizeof(float)) return put(static_cast<float>(x));
  put(x);
}

void RandomValues::object(unsigned depth) {
  const std::size_t tag = below(depth == 0 ? 7 : 9);
  out_ += static_cast<char>(tag);
  switch (tag) {
    case 3:
      return put(static_cast<std::int64_t>(random_()));
    case 4:
      return put(chance(50) ? random_() : random_() >> 40);
    case 5:
      return floating(8);
    case 6:
      return text(1);
    case 7: {
      const std::size_t n = below(4);
      count(n);
      for (std::size_t i = 0; i < n; ++i) object(depth - 1);
      return;
    }
    case 8: {
      const std::size_t n = below(4);
      count(n);
      for (std::size_t i = 0; i < n; ++i) {
        // Sometimes what a dump uses for its own purposes.
        const std::string name = (chance(10) ? "encoded" : "m") + (i == 0 ? "" : std::to_string(i));
        count(name.size());
        out_ += name;
        object(depth - 1);
      }
      return;
    }
    default:
      return;
  }
}

void RandomValues::write(const Type& type) {
  switch (type.form) {
    case Form::boolean:
      out_ += static_cast<char>(below(2));
      return;
    case Form::integer:
    case Form::character:
      return raw(type.size);
    case Form::floating:
      return floating(type.size);
    case Form::text:
      return text(type.parts[0]->size);
    case Form::bytes:
      return text(1);
    case Form::optional:
      out_ += static_cast<char>(below(2));
      if (out_.back() != 0) write(*type.parts[0]);
      return;
    case Form::sequence:
    case Form::map: {
      const std::size_t n = ++depth_ > 5 ? 0 : below(4);
      count(n);
      for (std::size_t i = 0; i < n; ++i) {
        for (const Type* part : type.parts) write(*part);
      }
      --depth_;
      return;
    }
    case Form::array:
      if (type.count == 0) out_ += '\0';
      for (std::uint64_t i = 0; i < type.count; ++i) write(*type.parts[0]);
      return;
    case Form::tuple:
      if (type.parts.empty()) out_ += '\0';
      for (const Type* part : type.parts) write(*part);
      return;
    case Form::variant: {
      const std::size_t i = below(type.parts.size());
      count(i);
      return write(*type.parts[i]);
    }
    case Form::bitset: {
      if (type.count == 0) out_ += '\0';
      std::string bytes((type.count + 7) / 8, '\0');
      for (std::uint64_t i = 0; i < type.count; ++i)
        bytes[i / 8] = static_cast<char>(bytes[i / 8] | below(2) << (i % 8));
      out_ += bytes;
      return;
    }
    case Form::none:
      out_ += '\0';
      return;
    case Form::object:
      return object(3);
    case Form::boost: {
      const std::uint64_t n = below(20);
      put(n);
      return raw(n);
    }
    case Form::user:
      if (!targets_->empty() && chance(30)) refs_.push_back((*targets_)[below(targets_->size())].ref);
      return raw(1 + below(20));  // every value takes a byte
    default: {                    // a handle
      std::vector<ObjectRef> fitting;
      for (const Target& t : *targets_) {
        if (type.form == Form::handle || t.types == type.text) fitting.push_back(t.ref);
      }
      refs_.push_back(fitting.at(below(fitting.size())));
    }
  }
}

Bytes RandomValues::value(const Type& type, const std::vector<Target>& targets) {
  out_.clear();
  refs_.clear();
  targets_ = &targets;
  write(type);
  Bytes bytes;
  bytes.assign({out_.data(), out_.size(), refs_});
  return bytes;
}

}  // namespace partage::test
