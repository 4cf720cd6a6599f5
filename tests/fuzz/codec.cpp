// Stored bytes as values of C++ types: what every get() of a proxy does.
//
// Input: a byte that picks the type, a byte whose lowest bit says key or value, then the bytes.
// Holds: they are refused as Corrupt, or are a value, which prints, and whose own bytes read back and are written the same.
// The tools, which know only the description, accept exactly the bytes that the codec accepts.
// Not among the types: one with use_boost_archive. Boost's own archives trust their bytes; see docs/format.md.
#include <chrono>
#include <deque>
#include <list>
#include <map>
#include <partage/object.hpp>
#include <set>

#include "tests/codec/sample_types.hpp"
#include "tests/fuzz/described.hpp"

using namespace partage;

namespace {

template <class T>
std::vector<std::byte> encoded(const T& value, bool as_key) {
  codec::Writer writer;
  writer.set_canonical(as_key);
  codec::encode(writer, value);
  return {writer.data(), writer.data() + writer.size()};
}
template <class T>
T decoded(std::span<const std::byte> bytes, bool as_key) {
  codec::Reader reader(bytes.data(), bytes.size());
  reader.set_canonical(as_key);
  return codec::decode_all<T>(reader);
}

template <class T>
void read(std::span<const std::byte> bytes, bool as_key) {
  static const schema::Schema types(codec::description<T>());
  const auto value = fuzz::unless_refused([&] { return decoded<T>(bytes, as_key); });
  const auto shown = fuzz::unless_refused([&] {
    return schema::to_json(types.root(), {bytes.data(), bytes.size()}, fuzz::show_number,
                           as_key ? schema::Role::key : schema::Role::value);
  });
  if (!fuzz::has_secrets(types.root())) {
    fuzz::require(value.has_value() == shown.has_value(),
                  "codec and schema agree whether this is a " + codec::description<T>());
  }
  if (!value) return;
  codec::repr(*value);
  // A NaN that somebody wrote into a key is refused here.
  fuzz::unless_refused([&] {
    const auto again = encoded(*value, as_key);
    fuzz::require(encoded(decoded<T>(again, as_key), as_key) == again, "bytes of a value read back as that value");
    return true;
  });
}

using Milliseconds = std::chrono::milliseconds;
using Nested = std::vector<std::vector<std::vector<std::vector<std::string>>>>;
struct Everything {
  std::vector<Everything> kids;
  std::map<std::string, std::optional<std::variant<std::monostate, double, std::u16string>>> facts;
  std::tuple<bool, std::array<char, 5>, std::bitset<9>> flags;
};

constexpr void (*readers[])(std::span<const std::byte>, bool) = {
    read<bool>,
    read<int>,
    read<double>,
    read<long double>,
    read<std::string>,
    read<std::u16string>,
    read<std::u32string>,
    read<std::wstring>,
    read<std::vector<std::byte>>,
    read<std::vector<std::string>>,
    read<std::vector<double>>,
    read<std::vector<bool>>,
    read<std::deque<std::array<bool, 3>>>,
    read<std::list<std::pair<char, std::string>>>,
    read<std::optional<std::optional<int>>>,
    read<std::variant<std::monostate, int, std::string, std::vector<std::string>>>,
    read<std::tuple<>>,
    read<std::tuple<std::int8_t, std::string, float>>,
    read<std::array<std::string, 2>>,
    read<std::array<char, 6>>,
    read<std::map<std::string, std::vector<int>>>,
    read<std::multimap<std::string, bool>>,
    read<std::map<double, std::string>>,
    read<std::set<float>>,
    read<std::multiset<std::pair<int, std::string>>>,
    read<std::bitset<11>>,
    read<std::complex<double>>,
    read<Milliseconds>,
    read<std::chrono::duration<double, std::ratio<60>>>,
    read<std::chrono::system_clock::time_point>,
    read<Object>,
    read<std::vector<Object>>,
    read<shop::Color>,
    read<shop::Yes>,
    read<shop::Item>,
    read<std::vector<shop::Item>>,
    read<shop::Tree>,
    read<shop::Nothing>,
    read<shop::Money>,
    read<shop::Salary>,
    read<std::vector<shop::Image>>,
    read<Nested>,
    read<Everything>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const fuzz::MemoryLimit limit(size);
  // As long as it is and on the heap, so that the sanitizer sees every byte read outside it.
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 2,
                                     reinterpret_cast<const std::byte*>(data) + size);
  readers[data[0] % std::size(readers)](bytes, (data[1] & 1) != 0);
  return 0;
}
