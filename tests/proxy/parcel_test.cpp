// Parcels: values with handles of several segments, made up for another process.
#include <partage/engine/parcel.hpp>

#include "tests/proxy/support.hpp"

using namespace partage;
using namespace partage::test;
using engine::Parcel;

namespace {
struct Job {
  std::string name;
  ListProxy<int> input;
  std::vector<Queue<int>> outputs;
};
}  // namespace

TEST_CASE("a parcel holds its objects, and gives them back in their order") {
  const Manager one, two;
  std::optional<Parcel> parcel;
  {
    const Job job{"sums", one.list<int>({1, 2}), {Queue<int>(), two.Queue<int>(), one.Queue<int>()}};
    job.outputs[1].put(7);
    parcel = engine::pack(job);
  }
  CHECK(parcel->objects.size() == 4);
  CHECK(one.objects().size() == 2);
  const auto job = engine::unpack<Job>(*parcel);
  CHECK(job.name == "sums");
  CHECK(text(job.input) == "[1, 2]");
  CHECK(job.outputs[1].get() == 7);
  parcel.reset();
  CHECK(one.objects().size() == 2);
}

TEST_CASE("another type than was packed is a TypeError that names both") {
  const Parcel parcel = engine::pack(std::string("text"));
  const std::string message = message_of<TypeError>([&] { engine::unpack<int>(parcel); });
  CHECK_MESSAGE(has(message, "str"), message);
  CHECK_MESSAGE(has(message, "i32"), message);
  CHECK(engine::unpack<std::string>(parcel) == "text");
}

TEST_CASE("shipped and unshipped") {
  const Manager manager;
  const auto list = manager.list<std::string>({"a"});
  const Parcel parcel = engine::pack(std::make_tuple(list, 5, Event()));
  const Parcel again = engine::unship(engine::ship(parcel));
  const auto [same, five, event] = engine::unpack<std::tuple<ListProxy<std::string>, int, Event>>(again);
  CHECK(same.is(list));
  CHECK(five == 5);
  CHECK_FALSE(event.is_set());
  const auto nothing = engine::unship(engine::ship(engine::pack(std::string())));
  CHECK(engine::unpack<std::string>(nothing).empty());
}

TEST_CASE("bytes of something else are Corrupt") {
  engine::Shipment shipment = engine::ship(engine::pack(5));
  const auto bytes = shipment.bytes;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    engine::Shipment cut;
    cut.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK_THROWS_AS(engine::unship(cut), Corrupt);
  }
}

TEST_CASE("an empty handle is refused when it is packed") {
  const Manager manager;
  ListProxy<int> empty = manager.list<int>();
  ListProxy<int> moved = std::move(empty);
  CHECK_THROWS_AS(engine::pack(empty), ValueError);  // NOLINT(bugprone-use-after-move): what is left there
}
