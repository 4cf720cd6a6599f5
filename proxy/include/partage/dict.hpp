// DictProxy<K, V>: a handle to a dict that processes share, as Manager::dict<K, V> makes it. Python's dict in C++
// spelling.
//
//   partage::Manager manager;
//   auto stock = manager.dict<std::string, int>({{"apples", 3}});
//   stock["pears"] = 2;
//   stock["apples"] += 1;                                      // one atomic step
//   stock.modify("figs", 0, [](int& n) { n += 5; });           // one atomic step, whether the key is there or not
//   for (const auto& [name, n] : stock) std::cout << name << n;    // a snapshot, in the order of insertion
//   std::cout << stock;                                        // {'apples': 4, 'pears': 2, 'figs': 5}
//
// Use it for what several processes look up and change by key. Do not use it as a queue (Queue<T>), nor for one value
// (Value<T>). Reads take no lock, so that readers do not disturb each other.
//
// The members are in dict_members.hpp. What K and V may be: docs/guide/types.md.
// Differences to std::map: a handle, so a copy is the same dict; [] inserts only when written to, and reading a missing
// key throws; order of insertion; no references to values.
// Differences to Python: keys are typed, so 1 and 1.0 do not meet; NaN as key is a ValueError; iteration is over a
// snapshot and yields pairs; == compares contents and is() identity.
// Thread and process safety: every member may be called by any thread of any process; only reassigning one handle
// itself needs care. Errors: see dict_members.hpp; ValueError for every use of a default-constructed handle.
#pragma once

#include <ostream>
#include <string>
#include <utility>

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>

#include <partage/dict_members.hpp>
#include <partage/engine/archive.hpp>
#include <partage/engine/printing.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/type_check.hpp>

namespace partage {

template <class K, class V>
class DictProxy : public DictMembers<DictProxy<K, V>, K, V> {
 public:
  /// Refers to nothing until a handle is assigned.
  DictProxy() = default;
  explicit DictProxy(engine::ObjectPtr object) : dict_(std::move(object)) {}

  /// The same object.
  bool is(const DictProxy& other) const { return dict_.object() == other.dict_.object(); }

  const engine::Dict& dict_engine() const { return dict_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    if constexpr (Archive::is_saving::value) {
      engine::save_object(archive, dict_.object());
    } else {
      engine::ObjectPtr object = engine::load_object(archive);
      engine::check_type<DictProxy>(object);
      dict_ = engine::Dict(std::move(object));
    }
  }

 private:
  engine::Dict dict_;
};

namespace codec {
template <class K, class V>
struct HandleTraits<DictProxy<K, V>> {
  static std::string description() { return "dict<" + codec::description<K>() + ',' + codec::description<V>() + '>'; }
  static const engine::ObjectPtr& object(const DictProxy<K, V>& dict) {
    return engine::storable(dict.dict_engine().object());
  }
  static DictProxy<K, V> make(const engine::ObjectPtr& object) {
    engine::check_type<DictProxy<K, V>>(object);
    return DictProxy<K, V>(object);
  }
  static void repr(std::ostream& out, const DictProxy<K, V>& dict) {
    const engine::Printing printing(object(dict));
    if (printing.already()) return put(out, "{...}");
    detail::repr_each(out, dict.items(), '{', '}', [&](const auto& item) {
      codec::repr(out, item.first);
      put(out, ": ");
      codec::repr(out, item.second);
    });
  }
};
}  // namespace codec

/// The members of a dict on a reference to an element that is a handle to one.
template <class Self, class K, class V>
class ElementMembers<Self, DictProxy<K, V>> : public DictMembers<Self, K, V> {
 public:
  engine::Dict dict_engine() const { return static_cast<const Self&>(*this).element().dict_engine(); }
};

/// Equal keys with equal values, in whatever order.
template <class K, class V>
bool operator==(const DictProxy<K, V>& a, const DictProxy<K, V>& b) {
  return a.is(b) || a.copy() == b.copy();
}
template <class K, class V, detail::PairsOf<K, V> Map>
requires(!detail::DictHandle<Map>) bool operator==(const DictProxy<K, V>& a, const Map& b) {
  return a.copy() == ordered_dict<K, V>(b);
}
template <class K, class V>
bool operator==(const DictProxy<K, V>& a, const ordered_dict<K, V>& b) {
  return a.copy() == b;
}

/// A local dict with the pairs of both; those of the right side win.
template <class K, class V, detail::PairsOf<K, V> Range>
ordered_dict<K, V> operator|(const DictProxy<K, V>& a, const Range& b) {
  ordered_dict<K, V> out = a.copy();
  for (const auto& item : b) out.insert_or_assign(static_cast<K>(std::get<0>(item)), static_cast<V>(std::get<1>(item)));
  return out;
}
template <class K, class V, detail::PairsOf<K, V> Range>
requires(!detail::DictHandle<Range>) ordered_dict<K, V>
operator|(const Range& a, const DictProxy<K, V>& b) {
  ordered_dict<K, V> out;
  for (const auto& item : a) out.insert_or_assign(static_cast<K>(std::get<0>(item)), static_cast<V>(std::get<1>(item)));
  for (const auto& [key, value] : b) out.insert_or_assign(key, value);
  return out;
}

/// As Python prints the dict.
template <class K, class V>
std::ostream& operator<<(std::ostream& out, const DictProxy<K, V>& dict) {
  codec::repr(out, dict);
  return out;
}

}  // namespace partage

namespace boost::serialization {
template <class K, class V>
struct tracking_level<partage::DictProxy<K, V>> : mpl::integral_c<int, track_never> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<track_never>;
};
template <class K, class V>
struct implementation_level<partage::DictProxy<K, V>> : mpl::integral_c<int, object_serializable> {
  using tag = mpl::integral_c_tag;
  using type = mpl::int_<object_serializable>;
};
}  // namespace boost::serialization
