// Attaching: what is no segment, or another program's segment, is refused with the thing that differs, and left alone.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::MemoryObject;
using kernel::Segment;
using kernel::SegmentHeader;

constexpr std::size_t size = 256 << 10;

/// A copy of a fresh segment, in a file of its own.
class Copy {
 public:
  Copy() : object_(MemoryObject::create(size)) {
    const auto original = Segment::create({.initial = 64 << 10, .max = size});
    kernel::make_transaction_records(*original);
    kernel::Objects::make(*original);
    std::vector<char> bytes(64 << 10);
    std::memcpy(bytes.data(), original->base(), bytes.size());
    write(0, bytes.data(), bytes.size());
  }
  void write(std::size_t at, const void* bytes, std::size_t n) const {
    REQUIRE(::pwrite(object_.fd(), bytes, n, static_cast<off_t>(at)) == static_cast<ssize_t>(n));
  }
  void word(std::size_t at, u64 value) const { write(at, &value, 8); }
  u64 word(std::size_t at) const {
    u64 value = 0;
    REQUIRE(::pread(object_.fd(), &value, 8, static_cast<off_t>(at)) == 8);
    return value;
  }
  void resize(std::size_t bytes) const { REQUIRE(::ftruncate(object_.fd(), static_cast<off_t>(bytes)) == 0); }
  int fd() const { return object_.fd(); }

  std::shared_ptr<Segment> attach() const { return Segment::attach(MemoryObject(::dup(fd()))); }

  /// Everything an attach could change: contents, length, memory behind it, and the mappings and descriptors of this process.
  std::string state() const {
    struct stat s {};
    REQUIRE(::fstat(fd(), &s) == 0);
    std::string text(static_cast<std::size_t>(s.st_size), '\0');
    REQUIRE(::pread(fd(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    text += std::to_string(s.st_blocks) + " blocks, mappings: ";
    std::ifstream maps("/proc/self/maps");
    const std::string inode = std::to_string(s.st_ino);
    for (std::string line; std::getline(maps, line);) {
      if (line.find(' ' + inode + ' ') != std::string::npos) text += line;
    }
    const int next = ::dup(fd());
    text += " next descriptor " + std::to_string(next);
    ::close(next);
    return text;
  }

 private:
  MemoryObject object_;
};

void check_refused(const std::function<void(const Copy&)>& damage, const std::vector<std::string>& says) {
  const Copy copy;
  damage(copy);
  const std::string before = copy.state();
  std::string text;
  try {
    (void)copy.attach();
  } catch (const ConnectionError& e) {
    text = e.what();
  }
  INFO(text);
  CHECK(text.find("cannot be attached") != std::string::npos);
  for (const std::string& part : says) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK((before == copy.state()));
}

}  // namespace

TEST_CASE("attach: a sound segment, and one with features that may be ignored") {
  const Copy copy;
  CHECK(copy.attach()->live());
  copy.word(16, 0xFF00);
  const auto segment = copy.attach();
  CHECK(segment->header().compat == 0xFF00);
  CHECK(segment->header().max == size);
  CHECK(segment->runs().verify() == "");
}

TEST_CASE("attach: no segment") {
  check_refused([](const Copy& c) { c.resize(0); }, {"it has 0 bytes", "truncated"});
  check_refused([](const Copy& c) { c.resize(4095); }, {"it has 4095 bytes", "truncated"});
  check_refused([](const Copy& c) { c.write(0, "#!/bin/sh", 9); }, {"PARTAGE1", "no segment of Partage"});
  check_refused([](const Copy& c) { c.word(0, 0); }, {"PARTAGE1"});
  check_refused([](const Copy& c) { c.write(7, "2", 1); }, {"PARTAGE1"});
}

TEST_CASE("attach: truncated, or grown") {
  check_refused([](const Copy& c) { c.resize(4096); }, {"reserves 262144 bytes", "has 4096", "truncated"});
  check_refused([](const Copy& c) { c.resize(size - 4096); }, {"has 258048"});
  check_refused([](const Copy& c) { c.resize(size + 4096); }, {"has 266240"});
}

TEST_CASE("attach: another format, and features that must not be ignored") {
  check_refused([](const Copy& c) { c.word(8, kernel::segment_format + 1); },
                {"format version " + std::to_string(kernel::segment_format + 1),
                 "reads " + std::to_string(kernel::segment_format)});
  check_refused([](const Copy& c) { c.word(8, 0); }, {"format version 0"});
  for (unsigned bit = 0; bit < 64; bit += 21) {
    check_refused([&](const Copy& c) { c.word(24, u64{1} << bit); },
                  {"features this program does not know", std::to_string(u64{1} << bit)});
  }
}

TEST_CASE("attach: each ABI word") {
  check_refused([](const Copy& c) { c.word(32, c.word(32) ^ 12); }, {"pointer size"});
  check_refused([](const Copy& c) { c.word(32, c.word(32) ^ 0x100); }, {"byte order"});
  check_refused([](const Copy& c) { c.word(32, c.word(32) + (u64{4096} << 16)); }, {"page size"});
  check_refused([](const Copy& c) { c.word(40, c.word(40) + 8); }, {"mutex"});
  check_refused([](const Copy& c) { c.word(48, u64{2} << 16 | 31); }, {"made with glibc 2.31", "runs glibc "});
  check_refused([](const Copy& c) { c.word(56, 107400); },
                {"made with Boost 107400", "with Boost " + std::to_string(BOOST_VERSION)});
}

TEST_CASE("attach: a header that contradicts itself") {
  const std::vector<std::string> says = {"contradicts itself"};
  check_refused([](const Copy& c) { c.word(64, size + 4096); }, says);
  check_refused([](const Copy& c) { c.word(64, ~u64{0}); }, says);
  check_refused([](const Copy& c) { c.word(96, size); }, says);
  check_refused([](const Copy& c) { c.word(104, ~u64{0}); }, says);
  check_refused([](const Copy& c) { c.word(112, 64 << 10); }, says);  // not committed
  check_refused([](const Copy& c) { c.word(120, 8192); }, says);
}

TEST_CASE("attach: a header that was changed after it was sealed") {
  for (const std::size_t at : {16u, 88u, 96u, 112u, 128u, 320u}) {
    CAPTURE(at);
    const auto seal = [](const Copy& c) {
      SegmentHeader header;
      REQUIRE(::pread(c.fd(), static_cast<void*>(&header), sizeof header, 0) == sizeof header);
      c.word(352, kernel::seal_of(header));
    };
    check_refused(
        [&](const Copy& c) {
          seal(c);
          CHECK(c.attach()->live());
          c.word(at, c.word(at) ^ 64);
        },
        {"damaged"});
  }
}

TEST_CASE("attach: what a segment says of itself") {
  const auto segment = Segment::create({.initial = 64 << 10, .max = size}, "some name");
  const SegmentHeader& h = segment->header();
  CHECK(std::string(h.name) == "some name");
  CHECK(h.format == kernel::segment_format);
  CHECK(h.committed.load() == 64 << 10);
  CHECK(h.max == size);
  CHECK(segment->live());
  const auto other = Segment::create({.initial = 64 << 10, .max = size});
  CHECK(other->header().id != h.id);
  CHECK(other->header().name[0] == 0);
  const auto mine = Segment::attach(MemoryObject(::dup(segment->object().fd())));
  mine->shut_down();
  CHECK_FALSE(segment->live());
  CHECK(Segment::attach(MemoryObject(::dup(segment->object().fd())))->header().state.load() ==
        1);  // the caller looks at it
}

}  // namespace partage::test
