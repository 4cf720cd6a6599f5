// The arena of a stripe: size classes, blobs with and without references, and random traffic against a model.

#include <random>
#include <vector>

#include "tests/container/fixture.hpp"
#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::ArenaHead;
using kernel::blob_class;
using kernel::blob_class_bytes;
using kernel::BlobShape;
using kernel::Change;
using kernel::Stripe;
using kernel::StripeLock;

std::string bytes_of(std::size_t n, u64 mark) {
  std::string s(n, ' ');
  for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>(mark * 31 + i);
  return s;
}

/// The runs that an arena and these blobs occupy.
std::vector<u64> runs_of(KernelFixture& f, Stripe& s, const std::vector<u64>& blobs) {
  std::vector<u64> runs;
  kernel::for_each_chunk(f.segment(), s.body[0].load(), [&](u64 run) { runs.push_back(run); });
  for (const u64 blob : blobs) {
    if ((f.segment().at<kernel::BlobHead>(blob).head.load() & 255) == kernel::own_run_class) runs.push_back(blob);
  }
  return runs;
}

}  // namespace

TEST_CASE("arena: size classes") {
  const u64 expected[] = {32,  48,  64,  80,  96,  112, 128,  160,  192,  224,  256, 320,
                          384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048};
  static_assert(std::size(expected) <= ArenaHead::classes);
  for (unsigned c = 0; c < std::size(expected); ++c) CHECK(blob_class_bytes(c) == expected[c]);
  for (u64 bytes = 16; bytes <= kernel::largest_arena_blob; ++bytes) {
    const unsigned c = blob_class(bytes);
    REQUIRE(c < std::size(expected));
    REQUIRE(blob_class_bytes(c) >= bytes);
    if (c > 0) REQUIRE(blob_class_bytes(c - 1) < bytes);
    REQUIRE(blob_class(blob_class_bytes(c)) == c);
  }
}

TEST_CASE("arena: shapes go round") {
  for (const u64 bytes : {u64{0}, u64{1}, (u64{1} << 40) - 1}) {
    for (const u64 refs : {u64{0}, u64{1}, kernel::most_references}) {
      const BlobShape s = BlobShape::of(BlobShape{bytes, refs}.word());
      CHECK(s.bytes == bytes);
      CHECK(s.refs == refs);
    }
  }
}

TEST_CASE("arena: blobs of every size, read as they were stored") {
  KernelFixture f;
  const auto stripes = f.stripes(1);
  Stripe& s = stripes[0];
  std::vector<u64> blobs;
  std::vector<std::size_t> sizes;
  for (std::size_t n = 0; n < 400; ++n) sizes.push_back(n);
  for (std::size_t n = 400; n < 9000; n = n * 5 / 4) sizes.push_back(n);
  for (const std::size_t n : {2024u, 2025u, 2031u, 2032u, 2033u, 100'000u}) sizes.push_back(n);
  for (const std::size_t n : sizes) {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    std::vector<ObjectRef> refs(n % 4, n);
    const std::string text = bytes_of(n, n);
    blobs.push_back(c.make_blob({text.data(), n, refs}));
    c.commit();
  }
  for (const bool checked : {false, true}) {
    Bytes out;
    std::vector<ObjectRef> refs;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      REQUIRE(blobs[i] % 16 == 0);
      REQUIRE(kernel::read_blob(f.segment(), blobs[i], out, checked));
      REQUIRE(text(out) == bytes_of(sizes[i], sizes[i]));
      REQUIRE(out.refs() == std::vector<ObjectRef>(sizes[i] % 4, sizes[i]));
      refs.clear();
      kernel::blob_refs(f.segment(), blobs[i], refs);
      REQUIRE(refs == out.refs());
    }
  }
  CHECK(kernel::verify_arena(f.segment(), s.body[0].load(), blobs) == "");
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    for (const u64 blob : blobs) c.retire_blob(blob);
    c.retire_arena();
    c.commit();
  }
  CHECK(s.body[0].load() == 0);
  CHECK(ContainerFixture::verify(f.segment(), {f.segment().offset_of(&stripes[0])}) == "");
}

TEST_CASE("arena: a checked read does not follow what is out of bounds") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  u64 blob = 0;
  {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    blob = c.make_blob({"hello", 5});
    c.commit();
  }
  Bytes out;
  const u64 committed = f.segment().header().committed.load();
  for (const u64 bad : {blob + 8, committed, committed - 8, ~u64{0} - 15, u64{1} << 40}) {
    CAPTURE(bad);
    CHECK_FALSE(kernel::read_blob(f.segment(), bad, out, true));
  }
  auto& head = f.segment().at<kernel::BlobHead>(blob);
  const kernel::Draft draft(&head, sizeof head);
  draft.set(head.shape, committed);
  CHECK_FALSE(kernel::read_blob(f.segment(), blob, out, true));
  draft.set(head.shape, u64{0xFFFFFF} << 40);
  CHECK_FALSE(kernel::read_blob(f.segment(), blob, out, true));
}

TEST_CASE("arena: a value with too many handles is refused") {
  KernelFixture f(std::size_t{1} << 20);
  Stripe& s = f.stripes(1)[0];
  const StripeLock lock(f.segment(), s);
  Change c(f.segment(), s);
  const ObjectRef ref = 1;
  CHECK_THROWS_AS((void)c.make_blob({nullptr, 0, {&ref, kernel::most_references + 1}}), ValueError);
}

TEST_CASE("arena: a blob that a change retires is not handed out by the same change") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const StripeLock lock(f.segment(), s);
  u64 old = 0;
  {
    Change c(f.segment(), s);
    old = c.make_blob({"0123456789012345678901234567890123456789", 40});
    c.commit();
  }
  {
    Change c(f.segment(), s);
    c.retire_blob(old);
    CHECK(c.make_blob({"9876543210987654321098765432109876543210", 40}) != old);
    c.commit();
  }
  Change c(f.segment(), s);
  CHECK(c.make_blob({std::string(40, 'a').c_str(), 40}) == old);
}

TEST_CASE("arena: random traffic against a model") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 20);
  KernelFixture f;
  const auto stripes = f.stripes(1);
  Stripe& s = stripes[0];
  struct Blob {
    u64 at;
    std::size_t size;
    u64 mark;
  };
  std::vector<Blob> model;
  const auto offsets = [&] {
    std::vector<u64> list;
    for (const Blob& b : model) list.push_back(b.at);
    return list;
  };
  Bytes out;
  for (long i = 0, n = repeats(8000); i < n; ++i) {
    const StripeLock lock(f.segment(), s);
    Change c(f.segment(), s);
    std::vector<Blob> fresh;
    for (u64 k = random() % 4; k > 0; --k) {
      const std::size_t size = random() % 10 == 0 ? random() % 6000 : random() % 200;
      const u64 mark = random();
      const std::string text = bytes_of(size, mark);
      fresh.push_back({c.make_blob({text.data(), size}), size, mark});
    }
    std::vector<Blob> kept = model;
    for (u64 k = random() % (model.size() > 300 ? 6 : 3); k > 0 && !kept.empty(); --k) {
      std::swap(kept[random() % kept.size()], kept.back());
      c.retire_blob(kept.back().at);
      kept.pop_back();
    }
    if (random() % 5 == 0) continue;  // given up: nothing of it happened
    c.commit();
    kept.insert(kept.end(), fresh.begin(), fresh.end());
    model = std::move(kept);
    if (i % 64 != 0) continue;
    REQUIRE(kernel::verify_arena(f.segment(), s.body[0].load(), offsets()) == "");
    for (const Blob& b : model) {
      REQUIRE(kernel::read_blob(f.segment(), b.at, out, true));
      REQUIRE(text(out) == bytes_of(b.size, b.mark));
    }
    std::vector<u64> owned = runs_of(f, s, offsets());
    owned.push_back(f.segment().offset_of(&stripes[0]));
    REQUIRE(ContainerFixture::verify(f.segment(), owned) == "");
  }
}

namespace {
/// Blobs of 40 bytes, and each `step` bytes more than the one before. The caller has the stripe.
std::vector<u64> fill(KernelFixture& f, Stripe& s, std::size_t count, std::size_t step) {
  std::vector<u64> blobs;
  Change c(f.segment(), s);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text(40 + i * step, 'b');
    blobs.push_back(c.make_blob({text.c_str(), text.size()}));
  }
  c.commit();
  return blobs;
}
}  // namespace

TEST_CASE("arena: verify finds what is wrong") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const StripeLock lock(f.segment(), s);
  const std::vector<u64> blobs = fill(f, s, 20, 1);
  const u64 arena = s.body[0].load();
  CHECK(kernel::verify_arena(f.segment(), arena, blobs) == "");
  auto less = blobs;
  less.erase(less.begin() + 7);
  CHECK(kernel::verify_arena(f.segment(), arena, less) != "");  // lost
  auto twice = blobs;
  twice.push_back(blobs[3]);
  CHECK(kernel::verify_arena(f.segment(), arena, twice) != "");
  auto foreign = blobs;
  foreign.push_back(blobs.back() + 4096);
  CHECK(kernel::verify_arena(f.segment(), arena, foreign) != "");
  CHECK(kernel::verify_arena(f.segment(), 0, blobs) != "");
  CHECK(kernel::verify_arena(f.segment(), 0, {}) == "");
}

TEST_CASE("arena: verify finds a wrong place for new blobs, wherever it is") {
  KernelFixture f;
  Stripe& s = f.stripes(1)[0];
  const StripeLock lock(f.segment(), s);
  const std::vector<u64> blobs = fill(f, s, 7, 8);
  const u64 arena = s.body[0].load();
  auto& head = f.segment().at<kernel::ArenaHead>(arena);
  const u64 bump = head.bump.load();
  for (u64 wrong = arena - 64; wrong < arena + 2048; wrong += 8) {
    CAPTURE(wrong);
    kernel::Draft(&head.bump, 8).set(head.bump, wrong);
    CHECK(kernel::verify_arena(f.segment(), arena, blobs).empty() == (wrong == bump));
  }
  kernel::Draft(&head.bump, 8).set(head.bump, bump);
}

}  // namespace partage::test
