// SetProxy<T>: a handle to a set that processes share, as Manager::set<T> makes it. Python's set in C++ spelling.
//
//   partage::Manager manager;
//   auto seen = manager.set<std::string>({"a", "b"});
//   seen.add("c");
//   seen |= std::vector<std::string>{"d", "a"};                // one atomic step, as every member that changes the set
//   if (seen.contains("c")) seen.discard("a");
//   std::set<std::string> rest = seen - std::set<std::string>{"b"};   // local
//   std::cout << seen;                                         // {'b', 'c', 'd'}
//
// Use it for what several processes add to and ask for. Do not use it to hand work out (Queue<T>), nor where something
// belongs to every element (DictProxy<K, V>). contains() takes no lock.
//
// The members are in set_members.hpp. What T may be: what may be the key of a dict, docs/guide/types.md.
// Copies and the results of | & - ^ are local: std::set<T>. Its < has to tell apart what is different, as std::set
// wants it; a T without < gets a std::set that is ordered by encoding (local_set<T>).
// Differences to std::set: a handle, so a copy is the same set; in the order in which elements were added.
// Differences to Python: elements are typed; | & - ^ and their assignments take every range, and what is no range does
// not compile; comparisons take sets alone; == compares contents and is() identity; pop() takes the element added last.
// Thread and process safety: every member may be called by any thread of any process; only reassigning one handle
// itself needs care. Errors: see set_members.hpp; ValueError for every use of a default-constructed handle.
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/engine/archive.hpp>
#include <partage/engine/create.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>
#include <partage/set_members.hpp>

namespace partage {

template <class T>
class SetProxy : public SetMembers<SetProxy<T>, T> {
 public:
  /// Refers to nothing until a handle is assigned.
  SetProxy() = default;
  explicit SetProxy(engine::ObjectPtr object) : set_(std::move(object)) {}

  /// The same object.
  bool is(const SetProxy& other) const { return set_.object() == other.set_.object(); }

  /// A set is a dict whose values are empty.
  const engine::Dict& set_engine() const { return set_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, set_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<SetProxy>(object);
      set_ = engine::Dict(std::move(object));
    }
  }

 private:
  engine::Dict set_;
};

namespace codec {
template <class T>
struct HandleTraits<SetProxy<T>> {
  static std::string description() { return "shared_set<" + codec::description<T>() + '>'; }
  static const engine::ObjectPtr& object(const SetProxy<T>& set) { return engine::storable(set.set_engine().object()); }
  static SetProxy<T> make(const engine::ObjectPtr& object) {
    engine::check_type<SetProxy<T>>(object);
    return SetProxy<T>(object);
  }
  static void repr(std::ostream& out, const SetProxy<T>& set) {
    const std::vector<T> elements(set.begin(), set.end());
    if (elements.empty()) return put(out, "set()");
    detail::repr_each(out, elements, '{', '}', [&](const T& element) { codec::repr(out, element); });
  }
};
}  // namespace codec

/// The members of a set on a reference to an element that is a handle to one.
template <class Self, class T>
class ElementMembers<Self, SetProxy<T>> : public SetMembers<Self, T> {
 public:
  engine::Dict set_engine() const { return static_cast<const Self&>(*this).element().set_engine(); }
};

// ---- | & - ^: local results, from whatever may be passed for a set --------------------------------------------------

namespace detail {

/// The other side of an operator; a reference to an element stands for the element (element_ref.hpp).
template <class R, class T>
concept OperandOf = ElementsOf<R, T> && !AnElementRef<R>;
template <class R, class T>
concept LeftOperandOf = OperandOf<R, T> && !SetHandle<R>;

/// `range` as a local set.
template <class T, class R>
local_set<T> local_set_of(R&& range) {
  const ElementBytes<T> elements(std::forward<R>(range));
  local_set<T> out;
  for (const BytesView e : elements.views()) out.insert(decode_key<T>(e));
  return out;
}

}  // namespace detail

template <class T, detail::OperandOf<T> R>
local_set<T> operator|(const SetProxy<T>& a, R&& b) {
  return a.union_(std::forward<R>(b));
}
template <class T, detail::OperandOf<T> R>
local_set<T> operator&(const SetProxy<T>& a, R&& b) {
  return a.intersection(std::forward<R>(b));
}
template <class T, detail::OperandOf<T> R>
local_set<T> operator-(const SetProxy<T>& a, R&& b) {
  return a.difference(std::forward<R>(b));
}
template <class T, detail::OperandOf<T> R>
local_set<T> operator^(const SetProxy<T>& a, R&& b) {
  return a.symmetric_difference(std::forward<R>(b));
}
template <class T, detail::LeftOperandOf<T> R>
local_set<T> operator|(R&& a, const SetProxy<T>& b) {
  return b.union_(std::forward<R>(a));
}
template <class T, detail::LeftOperandOf<T> R>
local_set<T> operator&(R&& a, const SetProxy<T>& b) {
  return b.intersection(std::forward<R>(a));
}
template <class T, detail::LeftOperandOf<T> R>
local_set<T> operator-(R&& a, const SetProxy<T>& b) {
  local_set<T> out = detail::local_set_of<T>(std::forward<R>(a));
  for (const T& element : b) out.erase(element);
  return out;
}
template <class T, detail::LeftOperandOf<T> R>
local_set<T> operator^(R&& a, const SetProxy<T>& b) {
  return b.symmetric_difference(std::forward<R>(a));
}

// ---- comparisons with sets: == the same elements, <= all of them are there ------------------------------------------

namespace detail {

template <class T, class A, class B>
bool is_part(const A& a, const B& b, bool proper) {
  const ElementBytes<T> mine(a), theirs(b);
  const ElementIndex here(mine.views()), there(theirs.views());
  return there.contains_all(mine.views()) && (!proper || here.size() < there.size());
}
template <class T, class A, class B>
bool same_elements(const A& a, const B& b) {
  const ElementBytes<T> mine(a), theirs(b);
  const ElementIndex here(mine.views()), there(theirs.views());
  return here.size() == there.size() && there.contains_all(mine.views());
}

}  // namespace detail

template <class T>
bool operator==(const SetProxy<T>& a, const SetProxy<T>& b) {
  return a.is(b) || detail::same_elements<T>(a, b);
}
template <class T, detail::LocalSetOf<T> Set>
bool operator==(const SetProxy<T>& a, const Set& b) {
  return detail::same_elements<T>(a, b);
}

#define PARTAGE_SET_COMPARISON(op, subset, superset, proper)     \
  template <class T>                                             \
  bool operator op(const SetProxy<T>& a, const SetProxy<T>& b) { \
    return detail::is_part<T>(subset, superset, proper);         \
  }                                                              \
  template <class T, detail::LocalSetOf<T> Set>                  \
  bool operator op(const SetProxy<T>& a, const Set& b) {         \
    return detail::is_part<T>(subset, superset, proper);         \
  }                                                              \
  template <class T, detail::LocalSetOf<T> Set>                  \
  bool operator op(const Set& a, const SetProxy<T>& b) {         \
    return detail::is_part<T>(subset, superset, proper);         \
  }
PARTAGE_SET_COMPARISON(<=, a, b, false)
PARTAGE_SET_COMPARISON(<, a, b, true)
PARTAGE_SET_COMPARISON(>=, b, a, false)
PARTAGE_SET_COMPARISON(>, b, a, true)
#undef PARTAGE_SET_COMPARISON

/// As Python prints the set, in the order in which the elements were added.
template <class T>
std::ostream& operator<<(std::ostream& out, const SetProxy<T>& set) {
  codec::repr(out, set);
  return out;
}

// ---- how a Manager makes them ---------------------------------------------------------------------------------------

namespace detail {

template <class T, class Range>
SetProxy<T> new_set(const engine::SessionPtr& where, const std::string& name, Range&& contents) {
  const ElementBytes<T> elements(std::forward<Range>(contents));
  std::vector<engine::KeyValue> pairs;
  pairs.reserve(elements.views().size());
  for (const BytesView e : elements.views()) pairs.push_back({e, {}});
  const engine::DictType type{engine::TypeOf<SetProxy<T>>::text(), false, engine::DictKind::set};
  return SetProxy<T>(engine::create_dict(where, type, name, pairs));
}
/// Opens the set of that name, or creates it with the contents.
template <class T, class Range>
SetProxy<T> named_set(const engine::SessionPtr& where, const std::string& name, Range&& contents) {
  const auto create = [&] { return new_set<T>(where, name, std::forward<Range>(contents)).set_engine().object(); };
  return codec::HandleTraits<SetProxy<T>>::make(engine::open_or_create(where, name, create));
}

}  // namespace detail
}  // namespace partage

namespace boost::serialization {
template <class T>
struct tracking_level<partage::SetProxy<T>> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class T>
struct implementation_level<partage::SetProxy<T>> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
