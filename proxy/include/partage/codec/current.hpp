// Which Writer or Reader this thread is filling while a Boost archive runs: the archive itself can only carry bytes, so
// a handle that any Boost archive serialises finds here where its reference goes. Scopes nest; the innermost counts.
//
//   Writer* w = CurrentWriter::get();      // nullptr: nobody is encoding, and a handle cannot be serialised
//
// Thread safety: every thread has its own.
#pragma once

#include <partage/codec/reader.hpp>
#include <partage/codec/writer.hpp>
#include <partage/export.hpp>

namespace partage::codec {

namespace detail {
// Behind a function, so that a program and its shared libraries agree on one.
PARTAGE_API Writer*& current(Writer*);
PARTAGE_API Reader*& current(Reader*);
}  // namespace detail

template <class Stream>
class Current {
 public:
  explicit Current(Stream& stream) : previous_(get()) { slot() = &stream; }
  ~Current() { slot() = previous_; }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

  static Stream* get() { return slot(); }

 private:
  static Stream*& slot() { return detail::current(static_cast<Stream*>(nullptr)); }

  Stream* previous_;
};

using CurrentWriter = Current<Writer>;
using CurrentReader = Current<Reader>;

}  // namespace partage::codec
