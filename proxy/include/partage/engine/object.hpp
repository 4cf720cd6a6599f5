// A handle to one shared object, as every proxy holds it: an intrusive pointer to what this process knows of the
// object.
//
//   engine::ObjectPtr a = list.object();       // same object as `list`; keeps it alive
//   if (a == b) ...                            // the very same object
//
// While at least one ObjectPtr of a process refers to an object, the process counts as one holder of it, whatever the
// number of pointers; the last one gives the object up. An empty pointer refers to nothing.
//
// Thread and process safety: the count is atomic, so copies may be made and destroyed by any thread; one ObjectPtr
// itself is as thread-safe as an int. A forked child's copies are valid there and hold the object for the child.
// Errors: none here; destruction never throws.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include <partage/bytes.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// What a process knows of one shared object. The engine's part is in proxy/engine/session.hpp.
struct LocalObject {
  std::atomic<std::uint32_t> handles{0};
  ObjectRef ref = 0;
  /// Address that stands for the C++ type this object was last found to be of; see type_check.hpp.
  std::atomic<const void*> checked_type{nullptr};
};

/// One handle less where it may have been the last.
PARTAGE_API void release_last(LocalObject* object) noexcept;

class ObjectPtr {
 public:
  ObjectPtr() = default;
  /// Takes over one count of `handles` that is already there.
  static ObjectPtr adopt(LocalObject* object) noexcept {
    ObjectPtr p;
    p.object_ = object;
    return p;
  }
  ObjectPtr(const ObjectPtr& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->handles.fetch_add(1, std::memory_order_relaxed);
  }
  ObjectPtr(ObjectPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ObjectPtr& operator=(ObjectPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ObjectPtr() {
    if (object_ != nullptr) release();
  }

  explicit operator bool() const noexcept { return object_ != nullptr; }
  bool operator==(const ObjectPtr&) const = default;
  /// The object's name in its segment; 0 for an empty pointer.
  ObjectRef ref() const noexcept { return object_ == nullptr ? 0 : object_->ref; }
  LocalObject* get() const noexcept { return object_; }

 private:
  void release() noexcept {
    std::uint32_t n = object_->handles.load(std::memory_order_relaxed);
    while (n > 1) {
      if (object_->handles.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel)) return;
    }
    release_last(object_);
  }

  LocalObject* object_ = nullptr;
};

}  // namespace partage::engine
