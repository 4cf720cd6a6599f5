// What `partage set` takes: a word of a command line, for a type that a description says.
//
// Input: a description; key or value; then the word. See described.hpp.
// Holds: it is refused, or becomes bytes that are a value of the type: they are shown, and what is shown is read and shown the
// same.
#include "manager/schema/json_text.hpp"
#include "tests/fuzz/described.hpp"

using namespace partage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryLimit limit(size);
  FuzzedDataProvider input(data, size);
  const std::string description = fuzz::description_in(input);
  const schema::Role role = fuzz::role_in(input);
  const std::string word = input.ConsumeRemainingBytesAsString();

  fuzz::unless_refused([&] {
    const schema::Schema types(description);
    const schema::Type& type = types.root();
    if (fuzz::is_large(type)) return false;
    const Bytes bytes = schema::from_word(type, word, fuzz::find_number, role);
    // From here on nothing may be refused.
    try {
      const std::string shown = schema::compact(schema::to_json(type, bytes.view(), fuzz::show_number, role));
      if (fuzz::has_secrets(type)) return true;
      const Bytes again = schema::from_json(type, fuzz::parsed(shown), fuzz::find_number, role);
      const std::string same = schema::compact(schema::to_json(type, again.view(), fuzz::show_number, role));
      if (same != shown) fuzz::require(false, "what was written, " + shown + ", reads back as it is, not as " + same);
    } catch (const Error& error) {
      fuzz::require(false, error.what());
    }
    return true;
  });
  return 0;
}
