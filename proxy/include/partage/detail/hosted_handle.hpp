// What the handles of locks, events, queues and the like have in common: identity, archives, and the type check when they come
// out of a container.
//
// `Self` is the handle, `Engine` the class of partage/engine that does the work.
// Thread safety: as the handle.
#pragma once

#include <concepts>
#include <ostream>
#include <string>
#include <utility>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/codec/placeholder.hpp>
#include <partage/codec/repr.hpp>
#include <partage/engine/archive.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/process_tree.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>

namespace partage::detail {

struct AnyHostedHandle {};

template <class Self, class Engine>
class HostedHandle : public AnyHostedHandle {
 public:
  /// The same object.
  bool is(const Self& other) const { return engine_.object() == other.hosted_engine().object(); }
  /// Handles of objects without contents are equal when they refer to the same object.
  friend bool operator==(const Self& a, const Self& b) { return a.is(b); }

  const Engine& hosted_engine() const { return engine_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, engine_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<Self>(object);
      engine_ = Engine(std::move(object));
    }
  }

  /// As Python shows the object.
  friend std::ostream& operator<<(std::ostream& out, const Self& handle) {
    codec::repr(out, handle);
    return out;
  }

 protected:
  HostedHandle() = default;
  explicit HostedHandle(engine::ObjectPtr object) : engine_(std::move(object)) {}

 private:
  Engine engine_;
};

/// For codec::HandleTraits of such a handle, which adds description().
template <class H>
struct HostedTraits {
  static const engine::ObjectPtr& object(const H& handle) { return engine::storable(handle.hosted_engine().object()); }
  static H make(const engine::ObjectPtr& object) {
    engine::check_type<H>(object);
    return H(object);
  }
  static void repr(std::ostream& out, const H& handle) { out << handle.hosted_engine().repr(); }
};

/// What a handle constructed without a manager refers to: what create(session) makes in the process tree.
template <class Create>
engine::ObjectPtr in_process_tree(Create create) {
  return codec::Placeholders::wanted() ? engine::ObjectPtr() : create(engine::process_tree());
}

/// The members on a reference to an element that is such a handle.
template <class Self>
struct ReferredEngine {
  auto hosted_engine() const { return static_cast<const Self&>(*this).element().hosted_engine(); }
};

}  // namespace partage::detail

namespace boost::serialization {
template <class H>
requires std::derived_from<H, partage::detail::AnyHostedHandle>
struct tracking_level<H> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class H>
requires std::derived_from<H, partage::detail::AnyHostedHandle>
struct implementation_level<H> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
