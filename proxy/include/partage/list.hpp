// ListProxy<T>: a handle to a list that processes share, as Manager::list<T> makes it. Python's list in C++ spelling.
//
//   partage::Manager manager;
//   auto list = manager.list<int>({3, 1, 2});
//   list.append(4);
//   list[0] += 10;                                   // one atomic step
//   list.sort();                                     // std::cout << list: [1, 2, 4, 13]
//   for (int x : list) list.append(x);               // walks over a snapshot
//   int last = list.pop();
//
// Use it for what several processes append to, take from or look through. Do not use it for bulk numbers that are
// worked on in place (Array<T>), nor one element at a time where slice(), extend() and modify() do it in one step.
//
// The members are in list_members.hpp. What T may be: docs/guide/types.md.
// Differences to std::vector: a handle, so a copy is the same list; negative indexes; no references to elements, no
// data().
// Differences to Python: extend(itself) doubles; iteration is over a snapshot; == compares contents and is() identity.
// Thread and process safety: every member may be called by any thread of any process; only reassigning one handle
// itself needs care. Errors: see list_members.hpp; ValueError for every use of a default-constructed handle.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/engine/archive.hpp>
#include <partage/engine/printing.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>
#include <partage/list_members.hpp>

namespace partage {

template <class T>
class ListProxy : public ListMembers<ListProxy<T>, T> {
 public:
  /// Refers to nothing until a handle is assigned.
  ListProxy() = default;
  explicit ListProxy(engine::ObjectPtr object) : list_(std::move(object)) {}

  /// The same object.
  bool is(const ListProxy& other) const { return list_.object() == other.list_.object(); }

  const engine::List& list_engine() const { return list_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, list_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<ListProxy>(object);
      list_ = engine::List(std::move(object));
    }
  }

 private:
  engine::List list_;
};

namespace codec {
template <class T>
struct HandleTraits<ListProxy<T>> {
  static std::string description() { return "list<" + codec::description<T>() + '>'; }
  static const engine::ObjectPtr& object(const ListProxy<T>& list) {
    return engine::storable(list.list_engine().object());
  }
  static ListProxy<T> make(const engine::ObjectPtr& object) {
    engine::check_type<ListProxy<T>>(object);
    return ListProxy<T>(object);
  }
  static void repr(std::ostream& out, const ListProxy<T>& list) {
    const engine::Printing printing(object(list));
    if (printing.already()) return put(out, "[...]");
    detail::repr_each(out, list.copy(), '[', ']', [&](const T& element) { codec::repr(out, element); });
  }
};
}  // namespace codec

/// The members of a list on a reference to an element that is a handle to one.
template <class Self, class T>
class ElementMembers<Self, ListProxy<T>> : public ListMembers<Self, T> {
 public:
  engine::List list_engine() const { return static_cast<const Self&>(*this).element().list_engine(); }
};

/// Equal contents.
template <class T>
bool operator==(const ListProxy<T>& a, const ListProxy<T>& b) {
  return a.is(b) || detail::same(a.copy(), b.copy());
}
template <class T>
bool operator==(const ListProxy<T>& a, const std::vector<T>& b) {
  return detail::same(a.copy(), b);
}

template <class T, detail::RangeOf<T> Range>
std::vector<T> operator+(const ListProxy<T>& a, Range&& b) {
  std::vector<T> out = a.copy();
  for (auto&& x : detail::elements_of<T>(std::forward<Range>(b))) {
    out.push_back(static_cast<T>(std::forward<decltype(x)>(x)));
  }
  return out;
}
template <class T>
std::vector<T> operator+(const std::vector<T>& a, const ListProxy<T>& b) {
  std::vector<T> out = a;
  for (auto&& x : b.copy()) out.push_back(std::forward<decltype(x)>(x));
  return out;
}
template <class T>
std::vector<T> operator*(const ListProxy<T>& a, std::ptrdiff_t n) {
  const std::vector<T> once = a.copy();
  std::vector<T> out;
  for (; n > 0; --n) out.insert(out.end(), once.begin(), once.end());
  return out;
}
template <class T>
std::vector<T> operator*(std::ptrdiff_t n, const ListProxy<T>& a) {
  return a * n;
}

/// As Python prints the list.
template <class T>
std::ostream& operator<<(std::ostream& out, const ListProxy<T>& list) {
  codec::repr(out, list);
  return out;
}

}  // namespace partage

namespace boost::serialization {
template <class T>
struct tracking_level<partage::ListProxy<T>> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class T>
struct implementation_level<partage::ListProxy<T>> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
