// What one process writes for another about what is to run: the letter to a child, the call of a pool's job, an exception on its
// way back.
//
// Input: a byte that picks one of them, then its bytes.
// Holds: they are refused, or read, and then are written as what was read. Where they name code, that is found in this program
// or refused. An exception can be thrown again.
#include <partage/codec/codec.hpp>

#include "proxy/pool/call_text.hpp"
#include "proxy/pool/remote_exception.hpp"
#include "proxy/process/letter.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace partage;
using namespace partage::engine;

namespace {

template <class Text>
std::vector<std::byte> encoded(const Text& text) {
  codec::Writer writer;
  codec::encode(writer, text);
  return {writer.data(), writer.data() + writer.size()};
}

template <class Text, class Use>
void read(std::span<const std::byte> bytes, Use use) {
  const BytesView view(bytes.data(), bytes.size());
  const auto text = fuzz::unless_refused([&] { return codec::decode_all<Text>(view); });
  if (!text) return;
  const auto again = encoded(*text);
  fuzz::require(encoded(codec::decode_all<Text>(BytesView(again.data(), again.size()))) == again,
                "what was read is written as it is");
  use(*text);
}

void find(const CodeAddress& address) {
  fuzz::unless_refused([&] { return code_at(address); });
}

void throw_again(const pool::RemoteException& exception) {
  try {
    std::rethrow_exception(pool::rebuild(exception));
  } catch (const std::exception& error) {
    fuzz::require(std::string_view(error.what()).starts_with(exception.text.c_str()), "an exception keeps its text");
    const pool::RemoteException again = pool::describe_current_exception();
    fuzz::require(!again.type.empty(), "an exception has a type");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::MemoryLimit limit(size);
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 1,
                                     reinterpret_cast<const std::byte*>(data) + size);
  switch (data[0] % 4) {
    case 0:
      read<process::LetterText>(bytes, [](const process::LetterText& text) { find(text.entry); });
      break;
    case 1:
      read<pool::CallText>(bytes, [](const pool::CallText& text) {
        for (const CodeAddress* address : {&text.invoke, &text.invoke_run, &text.function}) find(*address);
      });
      break;
    case 2:
      read<pool::RemoteException>(bytes, throw_again);
      break;
    default:
      read<CodeAddress>(bytes, find);
  }
  return 0;
}
