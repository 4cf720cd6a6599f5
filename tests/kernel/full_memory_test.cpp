// What happens when the memory behind the segment ends before the segment does: a full /dev/shm, and the limits of a process.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "tests/kernel/fixture.hpp"
#include "tests/support/tmpfs.hpp"

namespace partage::test {
namespace {

using kernel::Draft;
using kernel::MemoryObject;
using kernel::Runs;
using kernel::Segment;
using kernel::Word;

void judge(const TmpfsRun& run) {
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
  } else {
    CHECK_MESSAGE(run.result.ok(), run.result.describe());
  }
}

/// Writes every byte of a run: the memory is there.
void write_all(Segment& segment, u64 run) {
  auto* w = &segment.at<Word>(run);
  const u64 bytes = segment.runs().payload_size(run) / 8 * 8;
  const Draft draft(w, bytes);
  for (u64 i = 0; i < bytes / 8; ++i) draft.set(w[i], run + i);
}

/// Another process reads every committed byte.
void read_all_elsewhere(Segment& segment) {
  const ChildResult r = run_child(
      [&] {
        const auto mine = Segment::attach(MemoryObject(::dup(segment.object().fd())));
        u64 sum = 0;
        const u64 committed = mine->header().committed.load();
        for (u64 at = 0; at < committed; at += 8) sum += mine->at<Word>(at).load();
        must(!mine->holds(committed, 1), "holds() believes in memory that is not committed");
        must(mine->holds(committed, 0) && mine->holds(0, committed), "holds() does not know what is committed");
        must(!mine->holds(~u64{0}, 8) && !mine->holds(8, ~u64{0}), "holds() is fooled by an overflow");
        must(sum != 0, "nothing read");
        must(mine->runs().verify().empty(), "the heap seen from elsewhere: " + mine->runs().verify());
      },
      20s);
  must(r.ok(), "a reader: " + r.describe());
}

/// Acquires runs of `bytes` until there is no memory; how many.
long fill(Segment& segment, Word& list, std::size_t bytes, const char* reason) {
  Runs runs = segment.runs();
  for (long n = 0;; ++n) {
    const u64 used = runs.used(), top = segment.at<kernel::HeapState>(kernel::heap_offset).top.load();
    const u64 committed = segment.header().committed.load();
    try {
      write_all(segment, runs.acquire(bytes, list));
    } catch (const OutOfMemory& e) {
      must(std::string(e.what()).find(reason) != std::string::npos, e.what());
      must(e.limit() == segment.header().max && e.used() == used && e.asked() >= bytes, "wrong numbers");
      must(runs.used() == used && segment.header().committed.load() == committed, "something changed");
      must(top == segment.at<kernel::HeapState>(kernel::heap_offset).top.load(), "top changed");
      must(runs.verify().empty(), runs.verify());
      return n;
    }
  }
}

void fill_small_shm(std::size_t shm, std::size_t step) {
  KernelFixture f(std::size_t{256} << 20);
  Segment& segment = f.segment();
  const auto lists = f.words(3);
  Runs runs = segment.runs();
  const long first = fill(segment, lists[0], step, "full");
  must(first > 2, "it was full at once");
  for (const std::size_t smaller : {step / 4, std::size_t{3000}, std::size_t{100}})
    (void)fill(segment, lists[1], smaller, "full");
  must(segment.header().committed.load() + 4096 > shm - 8 * 4096, "it gave up before /dev/shm was full");
  must(segment.heap().allocate(1 << 20) == nullptr, "Boost's side got memory that is not there");
  read_all_elsewhere(segment);
  // What is given back can be had again.
  runs.release_head(lists[0]);
  write_all(segment, runs.acquire(step / 2, lists[0]));
  runs.release_all(lists[1]);
  runs.release_all(lists[0]);
  must(fill(segment, lists[0], step, "full") >= first, "less room than before");
  read_all_elsewhere(segment);
}

}  // namespace

TEST_CASE("full /dev/shm: OutOfMemory, no SIGBUS, and it goes on after something is freed") {
  for (const auto& [shm, step] : {std::pair<std::size_t, std::size_t>{1 << 20, 20'000}, {64 << 20, 700'000}}) {
    const auto body = [shm = shm, step = step] { fill_small_shm(shm, step); };  // Clang 14 wants names for bindings
    const TmpfsRun run = run_on_small_shm(shm, body, 30s);
    judge(run);
  }
}

TEST_CASE("full /dev/shm: filled by somebody else, and freed again") {
  const TmpfsRun run = run_on_small_shm(
      1 << 20,
      [] {
        KernelFixture f(std::size_t{16} << 20);
        const auto lists = f.words(1);
        const int fd = ::open("/dev/shm/other", O_CREAT | O_RDWR, 0600);
        must(::fallocate(fd, 0, 0, 900 << 10) == 0, "the filler does not fit");
        (void)fill(f.segment(), lists[0], 10'000, "full");
        must(::ftruncate(fd, 0) == 0, "the filler does not shrink");
        write_all(f.segment(), f.segment().runs().acquire(400 << 10, lists[0]));
        ::close(fd);
      },
      20s);
  judge(run);
}

TEST_CASE("full /dev/shm: no segment can be made, and the error says so") {
  const TmpfsRun run = run_on_small_shm(
      64 << 10,
      [] {
        const std::string text = message_of([] { (void)Segment::create({.initial = 1 << 20, .max = 4 << 20}); });
        must(text.find("/dev/shm") != std::string::npos, "the message: " + text);
        struct stat s {};
        must(::stat("/dev/shm", &s) == 0, "stat");
        (void)Segment::create({.initial = 32 << 10, .max = 4 << 20});  // nothing is left of the first try
      },
      20s);
  judge(run);
}

TEST_CASE("full /dev/shm: a foreign file made of a hole is refused without touching it") {
  const TmpfsRun run = run_on_small_shm(
      256 << 10,
      [] {
        const int fd = ::open("/dev/shm/partage.hole", O_CREAT | O_RDWR, 0600);
        must(fd >= 0 && ::ftruncate(fd, 1 << 20) == 0, "no hole");
        const int filler = ::open("/dev/shm/filler", O_CREAT | O_RDWR, 0600);
        for (off_t at = 0; ::fallocate(filler, 0, at, 4096) == 0;) at += 4096;
        const std::string text = message_of([&] { (void)Segment::attach(*MemoryObject::open("hole")); });
        must(text.find("no segment of Partage") != std::string::npos, "the message: " + text);
      },
      20s);
  judge(run);
}

TEST_CASE("a file size limit: no SIGXFSZ, an error that names it, and growth of what is there") {
  KernelFixture f;
  const auto lists = f.words(1);
  const ChildResult r = run_child(
      [&] {
        const rlimit limit{1 << 20, 1 << 20};
        must(::setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
        try {
          (void)Segment::create({.max = 16 << 20});
          must(false, "made a segment beyond the limit");
        } catch (const OutOfMemory& e) {
          must(e.limit() == 1 << 20 && e.asked() == 16 << 20, "wrong numbers");
          must(std::string(e.what()).find("ulimit -f") != std::string::npos, e.what());
        }
        must(Segment::create({})->header().max == 1 << 20, "the default does not respect the limit");
        // A segment made without the limit grows for this process as for others.
        write_all(f.segment(), f.segment().runs().acquire(5 << 20, lists[0]));
      },
      20s);
  CHECK_MESSAGE(r.ok(), r.describe());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("an address space limit: an error that names it, and a default that fits") {
  KernelFixture f(std::size_t{2} << 30);
  const ChildResult r = run_child(
      [&] {
        const rlimit limit{std::size_t{4} << 30, std::size_t{4} << 30};
        must(::setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
        try {
          (void)Segment::create({.max = std::size_t{8} << 30});
          must(false, "mapped more than the limit");
        } catch (const OutOfMemory& e) {
          must(std::string(e.what()).find("ulimit -v") != std::string::npos, e.what());
          must(e.asked() == std::size_t{8} << 30, "wrong number");
        }
        must(Segment::create({})->header().max == std::size_t{1} << 30, "the default does not respect the limit");
        const rlimit lower{std::size_t{1} << 30, std::size_t{1} << 30};
        must(::setrlimit(RLIMIT_AS, &lower) == 0, "setrlimit");
        const std::string text =
            message_of([&] { (void)Segment::attach(MemoryObject(::dup(f.segment().object().fd()))); });
        must(text.find("ulimit -v") != std::string::npos, "the message of attach: " + text);
      },
      20s);
  CHECK_MESSAGE(r.ok(), r.describe());
}
#endif

TEST_CASE("a segment that is too small is refused") {
  CHECK_THROWS_AS((void)Segment::create({.max = 4096}), ValueError);
  CHECK_THROWS_AS((void)Segment::create({.max = (64 << 10) - 4096}), ValueError);
  CHECK(Segment::create({.max = 64 << 10})->header().max == 64 << 10);
  CHECK(Segment::create({.max = (64 << 10) + 1})->header().max == (64 << 10) + 4096);
  const auto s = Segment::create({.initial = 1 << 20, .max = 64 << 10});
  CHECK(s->header().committed.load() == 64 << 10);
}

}  // namespace partage::test
