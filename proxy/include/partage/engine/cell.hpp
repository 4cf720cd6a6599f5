// One element as an engine offers it: what is behind a Value<T>. The byte level is a list of kind `value`.
//
// Elements of a fixed size up to 8 bytes without handles are one word, read and written without a lock. There modify()
// runs its function again, on what is there then, when somebody was faster.
// Thread and process safety: every member may be called by any thread of any attached process.
// Errors: ValueError when the handle is empty; ManagerShutdown; OutOfMemory, TimeoutError and UsageError (a write from
// inside modify) with nothing changed.
#pragma once

#include <concepts>
#include <cstdint>

#include <partage/engine/function.hpp>
#include <partage/engine/object.hpp>
#include <partage/engine/value.hpp>
#include <partage/export.hpp>

namespace partage::engine {

class PARTAGE_API Cell {
 public:
  Cell() = default;
  explicit Cell(ObjectPtr object) noexcept : object_(std::move(object)) {}
  const ObjectPtr& object() const noexcept { return object_; }

  void get(Value& out) const;
  void set(BytesView value) const;
  void modify(Modifier fn) const;

  // Of an element of a fixed size up to 8 bytes without handles: it is a word, with zeros above its bytes.

  std::uint64_t get_word() const;
  void set_word(std::uint64_t word) const;
  /// Adds to an integer of this size, in one step and modulo its size; returns it as it was.
  template <std::unsigned_integral U>
  U add(U by) const;
  /// False: it is not `expected`, which is what it is now.
  bool exchange_word(std::uint64_t& expected, std::uint64_t word) const;

 private:
  ObjectPtr object_;
};

extern template std::uint8_t Cell::add(std::uint8_t) const;
extern template std::uint16_t Cell::add(std::uint16_t) const;
extern template std::uint32_t Cell::add(std::uint32_t) const;
extern template std::uint64_t Cell::add(std::uint64_t) const;

}  // namespace partage::engine
