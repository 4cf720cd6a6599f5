// Stored bytes as JSON: what the tools do with an element and the description beside it, both of which may be damaged.
//
// Input: a description; key or value; up to 8 references; then the bytes. See described.hpp.
// Holds: they are refused as Corrupt, or are shown. What is shown is read back from its text, and is then shown the same;
// but for types that only their own program can read.
#include "manager/schema/attribute.hpp"
#include "manager/schema/json_text.hpp"
#include "tests/fuzz/described.hpp"

using namespace partage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryLimit limit(size);
  FuzzedDataProvider input(data, size);
  const std::string description = fuzz::description_in(input);
  const schema::Role role = fuzz::role_in(input);
  std::vector<ObjectRef> refs(input.ConsumeIntegralInRange<std::size_t>(0, 8));
  for (ObjectRef& ref : refs) ref = input.ConsumeIntegral<std::uint8_t>();
  const auto bytes = input.ConsumeRemainingBytes<std::uint8_t>();
  const BytesView stored(bytes.data(), bytes.size(), refs);

  fuzz::unless_refused([&] { return schema::head_of(stored).value.size; });
  fuzz::unless_refused([&] {
    const schema::Schema types(description);
    const schema::Type& type = types.root();
    const auto shown = fuzz::unless_refused([&] { return schema::to_json(type, stored, fuzz::show_number, role); });
    if (!shown) return false;
    schema::readable(*shown);
    if (fuzz::has_secrets(type)) return false;
    const std::string text = schema::compact(*shown);
    const Bytes again = schema::from_json(type, fuzz::parsed(text), fuzz::find_number, role);
    const std::string same = schema::compact(schema::to_json(type, again.view(), fuzz::show_number, role));
    if (same != text) fuzz::require(false, "what is shown, " + text + ", reads back as it is, not as " + same);
    return true;
  });
  return 0;
}
