// Namespace: a handle to named values of different types that processes share, as Manager::Namespace() makes it.
//
//   partage::Manager manager;
//   auto config = manager.Namespace({{"host", "localhost"}, {"port", 8080}});
//   config.set("ratio", 0.5);
//   int port = config.get<int>("port");                        // KeyError, TypeError
//   auto user = config.get<std::string>("user", "nobody");     // a fallback where it may be missing
//   config.modify<int>("port", [](int& p) { ++p; });           // one atomic step
//   std::cout << config;                                       // Namespace(host='localhost', port=8081, ratio=0.5)
//
// Use it for a handful of settings and results of different types, handles too. Do not use it where all values have one
// type (DictProxy<K, V>), nor for one value (Value<T>).
//
// Every attribute remembers the type it was set with, and setting it again may change that; a text is a std::string,
// also when it is passed as a literal or string_view. The types are those of elements: docs/guide/types.md.
// Differences to Python: attributes are members of no C++ object, so they are set and read by name; one that is
// missing is a KeyError; a name that begins with _ is an attribute as any other and only not printed; == is identity,
// as is(). Names may be any text.
// Thread and process safety: every member may be called by any thread of any process, and every one that changes
// something is one atomic step; only reassigning one handle itself needs care.
// Errors, all with nothing changed: KeyError, TypeError naming both types, ValueError for a default-constructed handle,
// OutOfMemory, ManagerShutdown, UsageError for a write from inside modify().
// Complexity: O(1) for one attribute; O(n) for names() and printing.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/detail/attribute.hpp>
#include <partage/detail/key.hpp>
#include <partage/detail/modify.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/archive.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/described.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>
#include <partage/export.hpp>

namespace partage {

class PARTAGE_API Namespace {
  using Name = detail::KeyBytes<std::string>;

 public:
  /// Refers to nothing until a handle is assigned.
  Namespace() = default;
  explicit Namespace(engine::ObjectPtr object) : dict_(std::move(object)) {}

  /// The same object.
  bool is(const Namespace& other) const { return dict_.object() == other.dict_.object(); }

  std::size_t size() const { return dict_.size(); }
  bool empty() const { return size() == 0; }
  bool contains(std::string_view name) const { return dict_.contains(Name(name).view()); }
  /// In alphabetical order.
  std::vector<std::string> names() const;

  /// Stores the value as a T; without T, as what it is.
  template <class T = void, class X>
  void set(std::string_view name, const X& value) const {
    using Stored = std::conditional_t<std::is_void_v<T>, detail::AttributeType<X>, T>;
    const Name key(name);
    const detail::AttributeBytes<Stored> bytes(detail::attribute_value<Stored>(value), dict_.object());
    dict_.set(key.view(), bytes.view());
  }
  /// All of them in ONE step.
  void update(std::initializer_list<Attribute> attributes) const { detail::set_attributes(dict_, attributes); }

  template <class T>
  T get(std::string_view name) const {
    engine::Value value;
    if (!dict_.get(Name(name).view(), value)) missing("get", name);
    return read<T>(name, value);
  }
  /// TypeError all the same if the attribute is there with another type.
  template <class T>
  T get(std::string_view name, T fallback) const {
    engine::Value value;
    if (!dict_.get(Name(name).view(), value)) return fallback;
    return read<T>(name, value);
  }
  void erase(std::string_view name) const {
    if (!dict_.erase(Name(name).view())) missing("erase", name);
  }

  /// Runs fn(T&) on a copy of the value under the namespace's lock, stores it in one step, and returns what fn
  /// returned. If fn throws, nothing has changed. fn may read shared objects, not write them.
  template <class T, class Fn>
  requires std::invocable<Fn&, T&> detail::ModifyResult<T, Fn> modify(std::string_view name, Fn&& fn)
  const { return modify_by<T>(name, nullptr, fn); }
  /// The same, with `initial` for a missing attribute.
  template <class T, class Fn>
  requires std::invocable<Fn&, T&> detail::ModifyResult<T, Fn> modify(std::string_view name, const T& initial, Fn&& fn)
  const {
    const detail::AttributeBytes<T> encoded(initial, dict_.object());
    const BytesView view = encoded.view();
    return modify_by<T>(name, &view, fn);
  }

  const engine::Dict& attributes_engine() const { return dict_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, dict_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<Namespace>(object);
      dict_ = engine::Dict(std::move(object));
    }
  }

  /// The same object.
  friend bool operator==(const Namespace& a, const Namespace& b) { return a.is(b); }
  /// As Python prints it: without what begins with _.
  friend PARTAGE_API std::ostream& operator<<(std::ostream& out, const Namespace& attributes);

 private:
  /// The attribute has another type than the one it is asked for as.
  struct OtherType {
    std::string stored;
  };

  [[noreturn]] void missing(const char* operation, std::string_view name) const;
  [[noreturn]] void other_type(const char* operation, std::string_view name, std::string_view stored,
                               const std::string& wanted) const;

  template <class T>
  T read(std::string_view name, const engine::Value& value) const {
    const detail::AttributeView attribute = detail::attribute_in(value.view());
    if (attribute.type != detail::description_of<T>()) {
      other_type("get", name, attribute.type, detail::description_of<T>());
    }
    return detail::decode<T>(attribute.value);
  }

  template <class T, class Fn>
  detail::ModifyResult<T, Fn> modify_by(std::string_view name, const BytesView* initial, Fn& fn) const {
    const Name key(name);
    const auto run = [&](engine::Modifier change) {
      return dict_.modify(key.view(), initial, [&](const engine::ValueView& current, Bytes& next) {
        const detail::AttributeView attribute = detail::attribute_in(current);
        if (attribute.type != detail::description_of<T>()) throw OtherType{std::string(attribute.type)};
        change(attribute.value, next);
        detail::put_type_in_front(next, detail::description_of<T>());
      });
    };
    try {
      return detail::modify<T>(dict_.object(), fn, run, [&] { missing("modify", name); });
    } catch (const OtherType& other) {  // thrown under the lock, told without it
      other_type("modify", name, other.stored, detail::description_of<T>());
    }
  }

  engine::Dict dict_;
};

namespace codec {
template <>
struct HandleTraits<Namespace> {
  static std::string description() { return "namespace"; }
  static const engine::ObjectPtr& object(const Namespace& attributes) {
    return engine::storable(attributes.attributes_engine().object());
  }
  static Namespace make(const engine::ObjectPtr& object) {
    engine::check_type<Namespace>(object);
    return Namespace(object);
  }
  static void repr(std::ostream& out, const Namespace& attributes) {
    engine::repr_namespace(out, attributes.attributes_engine().object());
  }
};
}  // namespace codec

/// The members of a namespace on a reference to an element that is a handle to one.
template <class Self>
class ElementMembers<Self, Namespace> {
 public:
  std::size_t size() const { return handle().size(); }
  bool empty() const { return handle().empty(); }
  bool contains(std::string_view name) const { return handle().contains(name); }
  std::vector<std::string> names() const { return handle().names(); }
  template <class T = void, class X>
  void set(std::string_view name, const X& value) const {
    handle().template set<T>(name, value);
  }
  void update(std::initializer_list<Attribute> attributes) const { handle().update(attributes); }
  void erase(std::string_view name) const { handle().erase(name); }
  template <class T, class... Rest>
  decltype(auto) modify(std::string_view name, Rest&&... rest) const {
    return handle().template modify<T>(name, std::forward<Rest>(rest)...);
  }

 private:
  Namespace handle() const { return static_cast<const Self&>(*this).element(); }
};

// ---- how a Manager makes them ---------------------------------------------------------------------------------------

namespace detail {
PARTAGE_API Namespace new_namespace(const engine::SessionPtr& where, const std::string& name,
                                    std::initializer_list<Attribute> attributes);
/// Opens the namespace of that name, or creates it with the attributes.
PARTAGE_API Namespace named_namespace(const engine::SessionPtr& where, const std::string& name,
                                      std::initializer_list<Attribute> attributes);
}  // namespace detail
}  // namespace partage

namespace boost::serialization {
template <>
struct tracking_level<partage::Namespace> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <>
struct implementation_level<partage::Namespace> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
