// Array<T>: a handle to a fixed number of elements that processes share. Python's multiprocessing.Array, with and
// without a manager.
//
//   partage::Array<int> sums(100);                     // 100 zeros, in the segment of the process tree
//   partage::Array<double> edges{0.0, 0.5, 1.0};       // Array<int> a(3) has three elements, Array<int> a{3} one: a 3
//   auto cells = manager.Array<int>({1, 2, 3});        // in a manager's segment
//   sums[7] += 1;                                      // one atomic step, no lock needed
//   sums.assign_slice(0, 2, {5, 6});                   // one step as well; the length stays
//   std::cout << edges << '\n';                        // [0.0, 0.5, 1.0]
//
// Use it for tables of numbers, results by worker, flags by index. Do not use it for what grows (a list) nor for one
// value (Value<T>).
//
// T is anything that can be stored; elements of a fixed size up to 8 bytes take 8 each.
// Differences to std::array: a handle, so a copy is the same array; the size is no part of the type; negative indexes;
// no references to elements. Differences to Python: `a[i] += 1` is atomic; iteration is over a snapshot; no typecodes.
// Thread and process safety: every member may be called by any thread of any process; only reassigning one handle
// itself needs care. Errors: see array_members.hpp; ValueError for every use of a default-constructed handle and for a
// negative length.
#pragma once

#include <concepts>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/array_members.hpp>
#include <partage/detail/hosted_list.hpp>
#include <partage/detail/same.hpp>
#include <partage/engine/archive.hpp>
#include <partage/engine/error.hpp>
#include <partage/engine/printing.hpp>
#include <partage/engine/process_tree.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>

namespace partage {

template <class T>
class Array;

namespace detail {
template <class T, RangeOf<T> Range>
Array<T> new_array(const engine::SessionPtr& where, const std::string& name, Range&& contents);
}

template <class T>
class Array : public ArrayMembers<Array<T>, T> {
 public:
  /// Refers to nothing until a handle is assigned.
  Array() = default;
  /// New arrays in the segment of the process tree. `size` elements as T{} is: zeros.
  explicit Array(std::ptrdiff_t size);
  Array(std::initializer_list<T> contents);
  /// Of any range of what converts to T.
  template <detail::RangeOf<T> Range>
  requires(!std::same_as<detail::PlainValue<Range>, Array>) explicit Array(Range&& contents)
      : Array(detail::new_array<T>(engine::process_tree(), {}, std::forward<Range>(contents))) {}
  explicit Array(engine::ObjectPtr object) : list_(std::move(object)) {}

  /// The same object.
  bool is(const Array& other) const { return list_.object() == other.list_.object(); }

  const engine::List& list_engine() const { return list_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, list_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<Array>(object);
      list_ = engine::List(std::move(object));
    }
  }

 private:
  engine::List list_;
};

namespace codec {
template <class T>
struct HandleTraits<Array<T>> {
  static std::string description() { return "shared_array<" + codec::description<T>() + '>'; }
  static const engine::ObjectPtr& object(const Array<T>& array) {
    return engine::storable(array.list_engine().object());
  }
  static Array<T> make(const engine::ObjectPtr& object) {
    engine::check_type<Array<T>>(object);
    return Array<T>(object);
  }
  static void repr(std::ostream& out, const Array<T>& array) {
    const engine::Printing printing(object(array));
    if (printing.already()) return put(out, "[...]");
    detail::repr_each(out, array.copy(), '[', ']', [&](const T& element) { codec::repr(out, element); });
  }
};
}  // namespace codec

/// The members of an array on a reference to an element that is a handle to one.
template <class Self, class T>
class ElementMembers<Self, Array<T>> : public ArrayMembers<Self, T> {
 public:
  engine::List list_engine() const { return static_cast<const Self&>(*this).element().list_engine(); }
};

namespace detail {

template <class T>
Array<T> new_array(const engine::SessionPtr& where, const std::string& name, std::ptrdiff_t size) {
  static_assert(codec::Storable<T>::value);
  if (size < 0) engine::throw_negative_length(size);
  const T zero{};
  const Encoded<T> encoded(zero, where);
  return Array<T>(engine::create_filled_list(where, hosted_list_type<Array<T>, T>(engine::ListKind::array), name,
                                             encoded.view(), static_cast<std::size_t>(size)));
}
template <class T, RangeOf<T> Range>
Array<T> new_array(const engine::SessionPtr& where, const std::string& name, Range&& contents) {
  static_assert(codec::Storable<T>::value);
  const EncodedRange<T> encoded(elements_of<T>(std::forward<Range>(contents)), where);
  return Array<T>(
      engine::create_list(where, hosted_list_type<Array<T>, T>(engine::ListKind::array), name, encoded.views()));
}
/// The object of that name, or a new one of a size or with contents.
template <class T, class From>
Array<T> named_array(const engine::SessionPtr& where, const std::string& name, From&& from) {
  const auto create = [&] { return new_array<T>(where, name, from).list_engine().object(); };
  return codec::HandleTraits<Array<T>>::make(engine::open_or_create(where, name, create));
}

}  // namespace detail

template <class T>
Array<T>::Array(std::ptrdiff_t size) : Array(detail::new_array<T>(engine::process_tree(), {}, size)) {}
template <class T>
Array<T>::Array(std::initializer_list<T> contents)
    : Array(detail::new_array<T>(engine::process_tree(), {}, contents)) {}
/// Equal contents.
template <class T>
bool operator==(const Array<T>& a, const Array<T>& b) {
  return a.is(b) || detail::same(a.copy(), b.copy());
}
template <class T>
bool operator==(const Array<T>& a, const std::vector<T>& b) {
  return detail::same(a.copy(), b);
}

/// As Python prints a list.
template <class T>
std::ostream& operator<<(std::ostream& out, const Array<T>& array) {
  codec::repr(out, array);
  return out;
}

}  // namespace partage

namespace boost::serialization {
template <class T>
struct tracking_level<partage::Array<T>> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class T>
struct implementation_level<partage::Array<T>> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
