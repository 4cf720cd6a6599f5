// The description that stands beside every shared object ("dict<str,list<f64>>"; the vocabulary is that of the codec,
// proxy/include/partage/codec/description.hpp), read back: a tree that says how the bytes of an element are laid out.
// With it, programs that know none of the user's types can show elements (to_json.hpp) and make new ones
// (from_json.hpp).
//
//   const schema::Schema types("dict<str,vec<i32>>");
//   const schema::Type& value = *types.root().parts[1];      // form sequence, of integers of 4 bytes
//
// A word that is not known here, of a newer program, becomes Form::unknown together with what it encloses.
//
// Thread safety: as a standard container. Errors: Corrupt for a text that is no description.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace partage::schema {

enum class Form : std::uint8_t {
  unknown,
  boolean,    // one byte, 0 or 1
  integer,    // `size` bytes; byte, enum, duration and time too
  floating,   // `size` bytes: 4, 8, 10 (f80), 16 (f128)
  character,  // `size` bytes
  text,       // a string of parts[0]
  bytes,
  optional,
  sequence,  // vec, set, multiset
  map,       // map, multimap
  array,     // `count` times parts[0]
  tuple,     // pair, tuple, struct, complex
  variant,
  bitset,  // `count` bits
  none,
  object,  // whatever JSON can say
  user,    // what the type's own serialize() writes
  boost,   // a Boost archive behind its length
  list,    // handles from here on; as the root of a description: the object itself
  dict,
  shared_set,
  queue,
  sync,  // lock, semaphore, condition, event, barrier
  name_space,
  value,
  shared_array,
  handle  // to an object of any kind
};

struct Type {
  Form form = Form::unknown;
  std::string text{};       // its part of the description
  unsigned size = 0;        // bytes of a number
  bool is_signed = false;   // an integer
  bool repeats = false;     // a multimap: keys may repeat
  bool nests = false;       // a struct that contains itself
  std::uint64_t count = 0;  // elements of an array, bits of a bitset
  std::vector<const Type*> parts{};

  bool is_handle() const noexcept { return form >= Form::list; }
};

class Schema {
 public:
  /// How deep a description may nest.
  static constexpr unsigned depth_limit = 128;

  explicit Schema(std::string_view description);
  Schema(const Schema&) = delete;  // the types point at each other
  Schema& operator=(const Schema&) = delete;

  const Type& root() const noexcept { return *root_; }

 private:
  std::deque<Type> types_;
  const Type* root_ = nullptr;
};

}  // namespace partage::schema
