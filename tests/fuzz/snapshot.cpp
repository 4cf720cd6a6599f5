// A snapshot file, and what `partage load` takes: read as a whole before anything is made of it.
//
// Input: its last bit says whether it is a file as it stands, or a dump, which gets the head with the right length and checksum
// that `serve --snapshot` would write, so that what lies behind the checksum is reached.
// Holds: it is refused with a sentence, or is a dump whose references are of its own objects.
#include "manager/tool/snapshot_file.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace partage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::MemoryLimit limit(size);
  std::string file(reinterpret_cast<const char*>(data), size - 1);
  tool::looks_like_snapshot(file);
  if ((data[size - 1] & 1) != 0) {
    tool::SnapshotSum sum;
    sum.add(file);
    file.insert(0, sum.head());
    fuzz::require(tool::snapshot_body(file).size() == size - 1, "what has a right head is whole");
  }
  const auto dump = fuzz::unless_refused([&] { return tool::read_snapshot(file); });
  if (!dump) return 0;
  for (const tool::DumpedObject& object : dump->objects) {
    fuzz::require(!object.lock || *object.lock < dump->objects.size(), "a lock is one of the objects");
    for (const kernel::ByteTable* table : {&object.keys, &object.values}) {
      for (std::size_t i = 0; i < table->size(); ++i) {
        for (const ObjectRef ref : (*table)[i].refs) {
          fuzz::require(ref < dump->objects.size(), "a reference is to one of the objects");
        }
      }
    }
  }
  return 0;
}
