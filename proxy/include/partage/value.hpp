// Value<T>: a handle to one value that processes share. Python's multiprocessing.Value, with and without a manager.
//
//   partage::Value<int> hits(0);                       // in the segment of the process tree: no manager needed
//   partage::Process worker([=] { hits += 1; });       // one atomic step, no lock needed
//   auto total = manager.Value<double>(0.5);           // in a manager's segment
//   int now = hits;                                    // reads; get() does as well
//   hits = 5;                                          // writes; set(5) does as well
//   hits.modify([](int& x) { x = x * 2 + 1; });        // any other single step
//
// Use it for a counter, a flag, a setting, a record that changes as a whole. Do not use it for many numbers (Array<T>),
// nor for a collection whose elements change one by one (a list or dict: a Value is read and written as a whole).
//
// A T of a fixed size up to 8 bytes without handles (numbers, enums, small structs) is one word: no operation takes a
// lock or waits for anybody. All others are changed under the value's lock, and read without it.
//
// A Value is a handle: a copy is the same value, and so is `a = b` for two handles (a is from then on the value of b;
// a const handle cannot be changed so). `a = 5` writes the value, also through a const handle; so does a Value of
// another type. To copy the value from one to the other: `a = b.get()`.
// Comparison, arithmetic and << work as with the T itself.
//
// Differences to std::atomic: several processes, any T; a handle. Differences to Python: `v += 1` is atomic, there is no
// .value and no typecode, and values that do not fit are converted as in C++.
// Thread and process safety: every member may be called by any thread of any process; only reassigning one handle
// itself needs care. Errors: see value_members.hpp; ValueError for every use of a default-constructed handle.
#pragma once

#include <concepts>
#include <istream>
#include <ostream>
#include <string>
#include <utility>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/codec/repr.hpp>
#include <partage/detail/hosted_list.hpp>
#include <partage/element_ref.hpp>
#include <partage/engine/archive.hpp>
#include <partage/engine/printing.hpp>
#include <partage/engine/process_tree.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>
#include <partage/value_members.hpp>

namespace partage {

template <class T>
class Value : public ValueMembers<Value<T>, T> {
 public:
  /// Refers to nothing until a handle is assigned.
  Value() = default;
  /// A new value in the segment of the process tree.
  explicit Value(const T& x);
  explicit Value(engine::ObjectPtr object) : cell_(std::move(object)) {}
  Value(const Value&) = default;
  Value(Value&&) noexcept = default;
  Value& operator=(const Value&) = default;  ///< refers to the other's value from now on
  Value& operator=(Value&&) noexcept = default;

  /// Writes it.
  template <class U>
  requires(!std::same_as<U, Value> && !std::same_as<detail::PlainValue<U>, Value> &&
           std::convertible_to<const detail::PlainValue<U>&, T>) const Value&
  operator=(const U& x) const {
    this->set(static_cast<T>(detail::plain(x)));
    return *this;
  }
  operator T() const { return this->get(); }  // NOLINT: stands for what it holds

  /// The same object.
  bool is(const Value& other) const { return cell_.object() == other.cell_.object(); }

  const engine::Cell& cell_engine() const { return cell_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, cell_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<Value>(object);
      cell_ = engine::Cell(std::move(object));
    }
  }

 private:
  engine::Cell cell_;
};

namespace codec {
template <class T>
struct HandleTraits<Value<T>> {
  static std::string description() { return "value<" + codec::description<T>() + '>'; }
  static const engine::ObjectPtr& object(const Value<T>& value) {
    return engine::storable(value.cell_engine().object());
  }
  static Value<T> make(const engine::ObjectPtr& object) {
    engine::check_type<Value<T>>(object);
    return Value<T>(object);
  }
  static void repr(std::ostream& out, const Value<T>& value) {
    const engine::Printing printing(object(value));
    if (printing.already()) return put(out, "...");
    codec::repr(out, value.get());
  }
};
}  // namespace codec

/// The members of a value on a reference to an element that is a handle to one.
template <class Self, class T>
class ElementMembers<Self, Value<T>> : public ValueMembers<Self, T> {
 public:
  engine::Cell cell_engine() const { return static_cast<const Self&>(*this).element().cell_engine(); }
};

namespace detail {

/// Comparison and arithmetic as with the T: those of element_ref.hpp.
template <class T>
struct IsElementRef<Value<T>> : std::true_type {};

template <class T>
Value<T> new_value(const engine::SessionPtr& where, const std::string& name, const T& x) {
  static_assert(codec::Storable<T>::value);
  const Encoded<T> encoded(x, where);
  return Value<T>(
      engine::create_cell(where, hosted_list_type<Value<T>, T>(engine::ListKind::value), name, encoded.view()));
}
/// The object of that name, or a new one.
template <class T>
Value<T> named_value(const engine::SessionPtr& where, const std::string& name, const T& x) {
  const auto create = [&] { return new_value<T>(where, name, x).cell_engine().object(); };
  return codec::HandleTraits<Value<T>>::make(engine::open_or_create(where, name, create));
}

}  // namespace detail

template <class T>
Value<T>::Value(const T& x) : Value(detail::new_value<T>(engine::process_tree(), {}, x)) {}

/// As the T prints by itself; one that does not print in C++ prints as in Python.
template <class T>
std::ostream& operator<<(std::ostream& out, const Value<T>& value) {
  if constexpr (codec::detail::Streamable<T>) {
    out << value.get();
  } else {
    codec::repr(out, value);
  }
  return out;
}
template <class T>
requires requires(std::istream& in, T& x) {
  in >> x;
}
std::istream& operator>>(std::istream& in, const Value<T>& value) {
  T x{};
  if (in >> x) value.set(x);
  return in;
}

}  // namespace partage

namespace boost::serialization {
template <class T>
struct tracking_level<partage::Value<T>> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class T>
struct implementation_level<partage::Value<T>> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
