// Which Writer or Reader this thread is filling while a Boost archive runs: the archive itself can only carry bytes, so
// a handle that any Boost archive serialises finds here where its reference goes. Scopes nest; the innermost counts.
//
//   Writer* w = CurrentWriter::get();      // nullptr: nobody is encoding, and a handle cannot be serialised
//
// Thread safety: every thread has its own.
#pragma once

#include <partage/codec/reader.hpp>
#include <partage/codec/writer.hpp>

namespace partage::codec {

template <class Stream>
class Current {
 public:
  explicit Current(Stream& stream) : previous_(current_) { current_ = &stream; }
  ~Current() { current_ = previous_; }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

  static Stream* get() { return current_; }

 private:
  Stream* previous_;
  static inline thread_local Stream* current_ = nullptr;
};

using CurrentWriter = Current<Writer>;
using CurrentReader = Current<Reader>;

}  // namespace partage::codec
