// Types with serialize(): our light archives, and Boost's own for types with pointers.
#include <doctest/doctest.h>

#include <boost/optional.hpp>
#include <boost/serialization/optional.hpp>

#include "tests/codec/sample_types.hpp"

using namespace partage;
using test::round_trip;

TEST_CASE("serialize() runs in every form Boost knows") {
  CHECK(round_trip(shop::Money(5, "EUR")) == shop::Money(5, "EUR"));
  const shop::Salary salary(shop::Money(1, "CHF"), {{1}, {}, {2, 3}});
  const shop::Salary back = round_trip(salary);
  CHECK(back.loaded_version == 3);
  shop::Salary same = back;
  same.loaded_version = 0;
  CHECK(same == salary);

  shop::Image image;
  image.width = 2;
  image.raw[3] = 200;
  image.weights[2] = 1.5F;
  const shop::Image copy = round_trip(image);
  CHECK(copy.width == 2);
  CHECK(copy.raw[3] == 200);
  CHECK(copy.weights[2] == 1.5F);

  shop::Clock clock;
  clock.hour = 12;
  CHECK(round_trip(clock).hour == 12);

  CHECK(round_trip(shop::Log{"not Boost's serialize"}).text == "not Boost's serialize");
  CHECK(*round_trip(boost::optional<int>(5)) == 5);
  CHECK(!round_trip(boost::optional<int>()));
}

TEST_CASE("serialize() nests in containers, and containers in serialize()") {
  const std::map<std::string, std::vector<shop::Money>> value{{"a", {{1, "x"}, {2, "y"}}}, {"b", {}}};
  CHECK(round_trip(value) == value);
}

TEST_CASE("the light archive writes nothing but the values") {
  CHECK(test::bytes_of(shop::Money(1, "E")).size() == sizeof(long) + 2);
}

TEST_CASE("a type with pointers goes through Boost's archive, and stands for itself") {
  shop::Node first;
  first.value = 1;
  first.next = std::make_shared<shop::Node>();
  first.next->value = 2;
  first.next->next = first.next;  // a cycle, which only tracking can write
  const auto back = round_trip(std::vector<shop::Node>{first, first});
  REQUIRE(back.size() == 2);
  for (const shop::Node& node : back) {
    CHECK(node.value == 1);
    REQUIRE(node.next);
    CHECK(node.next->value == 2);
    CHECK(node.next->next == node.next);
    node.next->next.reset();
  }
  first.next->next.reset();
  CHECK(back[0].next != back[1].next);
}

TEST_CASE("a handle inside a Boost archive becomes a reference") {
  shop::Graph graph;
  graph.node = std::make_shared<shop::Node>();
  graph.node->value = 7;
  graph.list.object.value = 42;
  codec::Scratch writer;
  codec::encode(*writer, std::pair(graph, SampleHandle{{43}}));
  CHECK(writer->refs() == std::vector<ObjectRef>{42, 43});
  CHECK(codec::CurrentWriter::get() == nullptr);
  const auto back = codec::decode_all<std::pair<shop::Graph, SampleHandle>>(writer->view(), test::objects_of(*writer));
  CHECK(back.first.node->value == 7);
  CHECK(back.first.list.object.value == 42);
  CHECK(back.second.object.value == 43);
  CHECK(codec::CurrentReader::get() == nullptr);
}
