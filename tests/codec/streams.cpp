// Writer, Reader and Scratch by themselves.
#include <doctest/doctest.h>

#include <limits>
#include <thread>

#include <partage/codec/current.hpp>
#include <partage/codec/reader.hpp>
#include <partage/codec/scratch.hpp>
#include <partage/codec/writer.hpp>
#include <partage/error.hpp>

using namespace partage;
using namespace partage::codec;

TEST_CASE("a Writer grows from inside itself to the heap and is reused") {
  Writer writer;
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    expected.clear();
    for (int i = 0; i < 1000; ++i) {
      const std::string part(static_cast<std::size_t>(i % 17), static_cast<char>('a' + i % 26));
      writer.write(part.data(), part.size());
      expected += part;
      CHECK(std::memcmp(writer.data(), expected.data(), expected.size()) == 0);
    }
    CHECK(writer.view().size == expected.size());
    writer.patch(3, "###", 3);
    CHECK(std::memcmp(writer.data() + 3, "###", 3) == 0);
    writer.object(5);
    CHECK(writer.view().refs.size() == 1);
    writer.clear();
    CHECK(writer.size() == 0);
    CHECK(writer.refs().empty());
  }
  writer.extend(2 * Writer::keep_at_most);
  writer.clear();
  writer.write("x", 1);
  CHECK(writer.size() == 1);
}

TEST_CASE("counts of every length come back") {
  Writer writer;
  std::vector<std::uint64_t> counts{0, 1, 127, 128, 16383, 16384, std::numeric_limits<std::uint64_t>::max()};
  for (int shift = 0; shift < 64; ++shift) counts.push_back(std::uint64_t{1} << shift);
  for (const std::uint64_t n : counts) writer.write_count(n);
  Reader reader(writer.view());
  for (const std::uint64_t n : counts) CHECK(reader.read_count() == n);
  reader.finish();
}

TEST_CASE("Scratches nest and start empty") {
  Scratch outer;
  outer->write("outer", 5);
  const Writer* first = nullptr;
  {
    Scratch inner;
    CHECK(inner->size() == 0);
    inner->write("in", 2);
    first = &*inner;
  }
  {
    Scratch again;
    CHECK(&*again == first);
    CHECK(again->size() == 0);
    std::thread([&] {
      Scratch elsewhere;
      CHECK(&*elsewhere != first);
    }).join();
  }
  CHECK(outer->size() == 5);
}

TEST_CASE("the current Writer is the innermost, and one of each thread") {
  CHECK(CurrentWriter::get() == nullptr);
  Writer a, b;
  const CurrentWriter outer(a);
  {
    const CurrentWriter inner(b);
    CHECK(CurrentWriter::get() == &b);
  }
  CHECK(CurrentWriter::get() == &a);
  std::thread([] { CHECK(CurrentWriter::get() == nullptr); }).join();
}
