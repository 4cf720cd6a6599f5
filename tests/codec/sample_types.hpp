// Types of a user as the codec tests store them: aggregates, classes with serialize() of every form, a handle.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/serialization/access.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/version.hpp>

#include <partage/codec/codec.hpp>
#include <partage/error.hpp>

namespace shop {

struct Point {
  int x;
  int y;
  auto operator<=>(const Point&) const = default;
};

struct Item {
  int id = 0;
  std::string name;
  Point where{};
  double prices[2] = {};
  char tag[8] = {};
  bool operator==(const Item&) const = default;
};

struct Tree {
  int value = 0;
  std::vector<Tree> kids;
  bool operator==(const Tree&) const = default;
};

struct Nothing {
  bool operator==(const Nothing&) const = default;
};

enum class Color : std::uint8_t { red, green = 7 };
enum Plain { zero, one };
enum class Yes : bool { no, yes };

template <class T, class U = long>
struct Box {
  T content;
  U weight;
};

template <class T, int N>
struct Grid {
  T cells[N];
};

/// Private member serialize, private fields.
class Money {
 public:
  Money() = default;
  Money(long cents, std::string currency) : cents_(cents), currency_(std::move(currency)) {}
  bool operator==(const Money&) const = default;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& cents_& boost::serialization::make_nvp("currency", currency_);
  }
  long cents_ = 0;
  std::string currency_;
};

/// save and load apart, a base, a container of containers, a version.
class Salary : public Money {
 public:
  Salary() = default;
  Salary(Money money, std::vector<std::vector<int>> history) : Money(std::move(money)), history_(std::move(history)) {}
  bool operator==(const Salary&) const = default;
  unsigned loaded_version = 0;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void save(Archive& ar, const unsigned int) const {
    ar << boost::serialization::base_object<Money>(*this);
    ar << BOOST_SERIALIZATION_NVP(history_);
  }
  template <class Archive>
  void load(Archive& ar, const unsigned int version) {
    loaded_version = version;
    ar >> boost::serialization::base_object<Money>(*this);
    ar >> BOOST_SERIALIZATION_NVP(history_);
  }
  BOOST_SERIALIZATION_SPLIT_MEMBER()
  std::vector<std::vector<int>> history_;
};

/// Free serialize in the namespace of the type; a C array through make_array and raw bytes.
struct Image {
  Image() {}
  int width = 0;
  unsigned char raw[4] = {};
  float weights[3] = {};
};
template <class Archive>
void serialize(Archive& ar, Image& image, const unsigned int) {
  ar& image.width& boost::serialization::make_array(image.weights, 3);
  if constexpr (Archive::is_saving::value)
    ar.save_binary(image.raw, sizeof image.raw);
  else
    ar.load_binary(image.raw, sizeof image.raw);
}

/// Free save and load in boost::serialization.
struct Clock {
  Clock() {}
  int hour = 0;
};

/// Has a serialize that is not Boost's.
struct Log {
  std::string text;
  std::string serialize() const { return text; }
};

/// Needs Boost's pointer tracking.
struct Node {
  int value = 0;
  std::shared_ptr<Node> next;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& value& next;
  }
};

/// Throws when it is made of a text.
class Brittle {
 public:
  Brittle() = default;
  explicit Brittle(const char* reason) { throw std::invalid_argument(reason); }
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& text_;
  }

 private:
  std::string text_;
};

/// Prints itself.
struct Degrees {
  double value;
};
inline std::ostream& operator<<(std::ostream& out, const Degrees& d) {
  return out << d.value << " deg";
}

}  // namespace shop

namespace boost::serialization {
template <class Archive>
void save(Archive& ar, const shop::Clock& clock, const unsigned int) {
  ar << clock.hour;
}
template <class Archive>
void load(Archive& ar, shop::Clock& clock, const unsigned int) {
  ar >> clock.hour;
}
template <class Archive>
void serialize(Archive& ar, shop::Clock& clock, const unsigned int version) {
  split_free(ar, clock, version);
}
}  // namespace boost::serialization

BOOST_CLASS_VERSION(shop::Salary, 3)

template <>
inline constexpr bool partage::use_boost_archive<shop::Node> = true;

/// A handle as the codec sees one, with a pointer of its own instead of engine::ObjectPtr.
struct SamplePtr {
  partage::ObjectRef value = 0;
  partage::ObjectRef ref() const { return value; }
  explicit operator bool() const { return value != 0; }
};

struct SampleHandle {
  SamplePtr object;
  bool operator==(const SampleHandle& other) const { return object.value == other.object.value; }

  /// As the proxies do it for any Boost archive: the reference goes beside the bytes.
  template <class Archive>
  void serialize(Archive&, const unsigned int) {
    if constexpr (Archive::is_saving::value)
      partage::codec::CurrentWriter::get()->object(object.ref());
    else
      object = partage::codec::CurrentReader::get()->next_object<SamplePtr>();
  }
};

template <>
struct partage::codec::HandleTraits<SampleHandle> {
  static std::string description() { return "list<i64>"; }
  static const SamplePtr& object(const SampleHandle& handle) { return handle.object; }
  static SampleHandle make(const SamplePtr& object) { return {object}; }
  static void repr(std::ostream& out, const SampleHandle&) { out << "[1, 2]"; }
};

namespace shop {
/// A struct that refers to a list of itself.
struct Team {
  std::string name;
  SampleHandle members;
  std::optional<SampleHandle> boss;
};
/// A handle under serialize().
class Crew {
 public:
  SampleHandle members;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& size_& BOOST_SERIALIZATION_NVP(members);
  }

 private:
  int size_ = 0;
};
/// Pointers and a handle: tier 3.
struct Graph {
  std::shared_ptr<Node> node;
  SampleHandle list;
  template <class Archive>
  void serialize(Archive& ar, const unsigned int) {
    ar& node& list;
  }
};
}  // namespace shop

template <>
inline constexpr bool partage::use_boost_archive<shop::Graph> = true;

namespace partage::test {

/// The objects behind the references a Writer collected, as the byte level gives them back.
inline std::vector<SamplePtr> objects_of(const codec::Writer& writer) {
  std::vector<SamplePtr> objects;
  for (const ObjectRef ref : writer.refs()) objects.push_back({ref});
  return objects;
}

/// Encoded and decoded again.
template <class T>
T round_trip(const T& value) {
  codec::Scratch writer;
  codec::encode(*writer, value);
  if constexpr (codec::fixed_size<T> != 0) {
    if (writer->size() != codec::fixed_size<T> || !writer->refs().empty())
      throw std::logic_error("fixed_size is wrong");
  }
  if (writer->size() == 0 && writer->refs().empty()) throw std::logic_error("a value without bytes or references");
  return codec::decode_all<T>(writer->view(), objects_of(*writer));
}

/// The encoding as a string.
template <class T>
std::string bytes_of(const T& value) {
  codec::Scratch writer;
  codec::encode(*writer, value);
  return {reinterpret_cast<const char*>(writer->data()), writer->size()};
}
template <class K>
std::string key_bytes_of(const K& key) {
  codec::Scratch writer;
  codec::encode_key(*writer, key);
  return {reinterpret_cast<const char*>(writer->data()), writer->size()};
}

}  // namespace partage::test
