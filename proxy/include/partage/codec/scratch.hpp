// An empty Writer for the length of one operation: this thread's own one, so that no operation allocates. Scratches
// nest: user code may run operations of its own from inside serialize().
//
//   Scratch scratch;
//   encode(*scratch, value);
//   engine.append(scratch->view());
//
// Thread safety: every thread has its own Writers. Destroy in the reverse order of construction, as scopes do.
#pragma once

#include <partage/codec/writer.hpp>
#include <partage/export.hpp>

namespace partage::codec {

class PARTAGE_API Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Writer& operator*() const { return *writer_; }
  Writer* operator->() const { return writer_; }

 private:
  Writer* writer_;
};

}  // namespace partage::codec
