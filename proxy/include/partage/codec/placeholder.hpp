// While values are decoded, a handle that is constructed without arguments is a placeholder and makes no object: the handle that
// is read takes its place (`struct Job { Lock lock; }` begins with `Job job{}`).
//
// Thread safety: every thread has its own.
#pragma once

#include <partage/export.hpp>

namespace partage::codec {

class PARTAGE_API Placeholders {
 public:
  Placeholders() noexcept;
  ~Placeholders();
  Placeholders(const Placeholders&) = delete;
  Placeholders& operator=(const Placeholders&) = delete;
  /// This thread is in such a scope.
  static bool wanted() noexcept;
};

}  // namespace partage::codec
