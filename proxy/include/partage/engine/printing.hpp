// One object being printed by this thread, for as long as it lives: so that one that contains itself ends in "...".
//
// Thread safety: every thread has its own.
#pragma once

#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

class PARTAGE_API Printing {
 public:
  explicit Printing(const ObjectPtr& object);
  ~Printing();
  Printing(const Printing&) = delete;
  Printing& operator=(const Printing&) = delete;
  /// It is being printed further out.
  bool already() const noexcept { return already_; }

 private:
  const LocalObject* object_;
  const Printing* outer_;
  bool already_ = false;
};

}  // namespace partage::engine
