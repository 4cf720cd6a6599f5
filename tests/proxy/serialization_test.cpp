// Handles in Boost archives: inside shared containers, and in archives of the user's.
#include <sstream>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

namespace {

/// A class with a serialize() of its own, stored through the light archive.
class Order {
 public:
  Order() = default;
  Order(int id, ListProxy<int> lines) : id_(id), lines_(std::move(lines)) {}
  int id() const { return id_; }
  const ListProxy<int>& lines() const { return lines_; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& BOOST_SERIALIZATION_NVP(id_) & BOOST_SERIALIZATION_NVP(lines_);
  }

 private:
  int id_ = 0;
  ListProxy<int> lines_;
};

/// One that needs the real thing.
struct Graph {
  std::shared_ptr<Order> first, second;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& first& second;
  }
};

}  // namespace

template <>
inline constexpr bool partage::use_boost_archive<Graph> = true;

namespace {

template <class Out, class In, class T>
T round_trip(const T& x) {
  std::stringstream stream;
  {
    Out out(stream);
    out << boost::serialization::make_nvp("x", x);
  }
  In in(stream);
  T y;
  in >> boost::serialization::make_nvp("x", y);
  return y;
}

}  // namespace

TEST_SUITE("serialization") {
  TEST_CASE("serialization: a type with serialize() as element") {
    Manager m;
    auto orders = m.list<Order>();
    orders.append(Order(1, m.list<int>({5, 6})));
    CHECK(references_of(m, "list<i32>") == 1);
    CHECK(orders.at(0).lines().copy() == Ints{5, 6});
    CHECK(orders.pop().id() == 1);
    CHECK(references_of(m, "list<i32>") == 0);
  }

  TEST_CASE("serialization: a type that uses the Boost archive") {
    Manager m;
    auto graphs = m.dict<std::string, Graph>();
    {
      auto shared = std::make_shared<Order>(7, m.list<int>({1}));
      graphs["g"] = Graph{shared, shared};
    }
    CHECK(references_of(m, "list<i32>") > 0);
    const Graph back = graphs["g"];
    CHECK(back.first == back.second);  // Boost tracks the pointer
    CHECK(back.first->lines().copy() == Ints{1});
    back.first->lines().append(2);
    CHECK(graphs.at("g").second->lines().size() == 2);
  }

  TEST_CASE("serialization: archives of the user's") {
    Manager m;
    auto l = m.list<int>({1, 2});
    using namespace boost::archive;
    CHECK((round_trip<text_oarchive, text_iarchive>(l).is(l)));
    CHECK((round_trip<binary_oarchive, binary_iarchive>(l).is(l)));
    CHECK((round_trip<xml_oarchive, xml_iarchive>(l).is(l)));
    auto d = m.dict<std::string, int>({{"k", 1}});
    CHECK((round_trip<text_oarchive, text_iarchive>(d).is(d)));
    const std::vector<ListProxy<int>> both{l, l};
    CHECK((round_trip<text_oarchive, text_iarchive>(both)[1].is(l)));
    CHECK_THROWS_AS((round_trip<text_oarchive, text_iarchive>(ListProxy<int>())), ValueError);
  }

  TEST_CASE("serialization: what is in flight holds the object") {
    Manager m;
    std::stringstream stream;
    boost::archive::text_oarchive(stream) << m.list<int>({1, 2});
    CHECK(references_of(m, "list<i32>") == 1);
    const std::string archive = stream.str();
    const ChildResult child = run_child(
        [&] {
          std::istringstream in(archive);
          ListProxy<int> l;
          boost::archive::text_iarchive(in) >> l;
          l.append(3);
        },
        10s);
    CHECK_MESSAGE(child.ok(), child.describe());
    ListProxy<int> l;
    boost::archive::text_iarchive(stream) >> l;
    CHECK(l.copy() == Ints{1, 2, 3});
    std::istringstream again(archive);
    ListProxy<double> wrong;
    CHECK_THROWS_AS(boost::archive::text_iarchive(again) >> wrong, TypeError);
  }

  TEST_CASE("serialization: nobody attached to the segment") {
    std::string archive;
    {
      Manager m;
      std::ostringstream out;
      boost::archive::text_oarchive(out) << m.list<int>();
      archive = out.str();
    }
    // Another number of the segment, as in a process that has never seen it.
    std::string changed = archive;
    for (char& c : changed) {
      if (c == '7')
        c = '3';
      else if (c == '2')
        c = '1';
    }
    if (changed == archive) return;
    std::istringstream in(changed);
    ListProxy<int> l;
    CHECK_THROWS(boost::archive::text_iarchive(in) >> l);
  }
}
