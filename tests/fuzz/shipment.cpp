// What another process has sent: a value, and the manifest of the handles in it, with descriptors of their segments.
//
// Input: any bytes, or a manifest, right but for some of its entries; descriptors of the right segment, of something else, or
// none.
// Holds: it is refused, or its handles are of objects that there are. Afterwards the segment is as before: none of its objects has
// gone, none is left, and every reference is counted.
#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <cstring>
#include <partage/engine/create.hpp>
#include <partage/engine/parcel.hpp>

#include "manager/registry/transit.hpp"
#include "manager/registry/verify.hpp"
#include "manager/server/manager.hpp"
#include "proxy/engine/sessions.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace partage;
using namespace partage::engine;

namespace {

/// A process attached to a segment with two lists, and a transit client as of another one.
struct World {
  SessionPtr session = Sessions::of(kernel::make_unmanaged_segment({.initial = 0, .max = std::size_t{8} << 20}));
  ObjectPtr list = create_list(session, {.description = "list<i32>", .packed_size = 4}, "", {});
  ObjectPtr of_handles = create_list(session, {.description = "list<handle>", .handles = true}, "", {});
  kernel::Transit transit{session->segment()};
  std::size_t objects = count();

  std::size_t count() const { return kernel::Registry(session->segment(), kernel::Control::alone).objects().size(); }
};
World& world() {
  static auto* const one = new World;  // for the whole life of the program
  return *one;
}

template <class T>
void append(std::vector<std::byte>& bytes, const T& x) {
  const auto* from = reinterpret_cast<const std::byte*>(&x);
  bytes.insert(bytes.end(), from, from + sizeof x);
}

kernel::u64 one_of(FuzzedDataProvider& input, std::initializer_list<kernel::u64> likely) {
  const auto i = input.ConsumeIntegralInRange<std::size_t>(0, likely.size());
  return i == likely.size() ? input.ConsumeIntegral<kernel::u64>() : likely.begin()[i];
}
/// Mostly the number itself.
std::uint32_t about(FuzzedDataProvider& input, std::size_t number) {
  return input.ConsumeIntegralInRange(0, 7) == 0 ? input.ConsumeIntegral<std::uint32_t>()
                                                 : static_cast<std::uint32_t>(number);
}

/// As in proxy/engine/shipment.hpp.
std::vector<std::byte> bytes_in(FuzzedDataProvider& input, ObjectRef parcel) {
  auto bytes = input.ConsumeBytes<std::byte>(input.ConsumeIntegralInRange<std::size_t>(0, 200));
  if (input.ConsumeBool()) return bytes;
  const std::size_t segments = input.ConsumeIntegralInRange<std::size_t>(0, 3);
  const std::size_t objects = input.ConsumeIntegralInRange<std::size_t>(0, 5);
  for (std::size_t i = 0; i < segments; ++i) {
    append(bytes, one_of(input, {world().session->id()}));
    append(bytes, one_of(input, {world().transit.id().word(), 0, world().session->segment().client_slot}));
    append(bytes, one_of(input, {parcel, world().list.ref(), world().of_handles.ref(), 0}));
  }
  for (std::size_t i = 0; i < objects; ++i) {
    append(bytes, one_of(input, {world().list.ref(), world().of_handles.ref(), parcel, 0}));
    append(bytes, one_of(input, {0, 1}));
  }
  const std::string description = input.ConsumeRandomLengthString(40);
  for (const char c : description) append(bytes, c);
  append(bytes, about(input, segments));
  append(bytes, about(input, objects));
  append(bytes, about(input, description.size()));
  append(bytes, about(input, 0x52504750));
  return bytes;
}

SharedDescriptor descriptor_in(FuzzedDataProvider& input) {
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return std::make_shared<const Descriptor>(::open("/dev/null", O_RDWR | O_CLOEXEC));
    case 1:
      return std::make_shared<const Descriptor>(
          kernel::make_sealed_file(input.ConsumeBytes<std::byte>(input.ConsumeIntegralInRange<std::size_t>(0, 100)))
              .release());
    case 2:
      return std::make_shared<const Descriptor>(::fcntl(world().transit.fd(), F_DUPFD_CLOEXEC, 3));
    default:
      return std::make_shared<const Descriptor>(world().session->segment().object().duplicate().release());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  World& at = world();
  kernel::Segment& segment = at.session->segment();
  const ObjectRef content = at.list.ref();
  const ObjectRef parcel = kernel::load_parcel(segment, at.transit.id(), {&content, 1});
  Shipment shipment;
  for (auto n = input.ConsumeIntegralInRange(0, 4); n != 0; --n) shipment.descriptors.push_back(descriptor_in(input));
  shipment.bytes = bytes_in(input, parcel);
  {
    const fuzz::MemoryLimit limit(size);
    const auto arrived = fuzz::unless_refused([&] { return unship(std::move(shipment)); });
    if (arrived) {
      for (const ObjectPtr& object : arrived->objects) fuzz::require(object.ref() != 0, "a handle is of an object");
    }
  }
  shipment = {};
  kernel::unload_parcel(segment, at.transit.id(), parcel);  // if nobody has taken it over
  kernel::collect(segment);
  fuzz::require(at.count() == at.objects, "the segment has the objects it had");
  const std::string wrong = kernel::verify_segment(segment);
  fuzz::require(wrong.empty(), wrong);
  return 0;
}
