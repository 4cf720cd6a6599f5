// Snapshot files: what is refused of damaged ones, and that a writer that is killed at any point leaves the old or the new one.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <partage/error.hpp>
#include <random>
#include <thread>

#include "manager/tool/duration.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/snapshot_file.hpp"
#include "manager/tool/snapshot_store.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/tmpfs.hpp"
#include "tests/tool/directory.hpp"

namespace partage::test {
namespace {

namespace fs = std::filesystem;
using tool::SnapshotStore;
using namespace std::chrono_literals;

const std::string a_dump =
    R"({"partage":"dump","version":1,"manager":"m","objects":[{"id":1,"name":"l","kind":"list","types":"list<i32>",)"
    R"("contents":[1,2,3]},{"id":2,"name":"d","kind":"dict","types":"dict<str,list<i32>>","contents":{"x":"#1"}}]})";

std::string snapshot_of(const std::string& dump) {
  tool::SnapshotSum sum;
  sum.add(dump);
  return sum.head() + dump;
}

std::string refusal(const std::string& file) {
  try {
    tool::read_snapshot(file);
  } catch (const ValueError& e) {
    return static_cast<const Error&>(e).what();
  }
  return "";
}

void write(const SnapshotStore& store, std::string_view dump) {
  store.write([&](SnapshotStore::Take take) { take(dump); });
}

}  // namespace

TEST_CASE("snapshot file: a whole one is read") {
  const std::string file = snapshot_of(a_dump);
  CHECK(file.find('\n') + 1 == tool::snapshot_head_size);
  CHECK(tool::snapshot_body(file) == a_dump);
  const tool::Dump dump = tool::read_snapshot(file);
  CHECK(dump.manager == "m");
  REQUIRE(dump.objects.size() == 2);
  CHECK(dump.objects[0].values.size() == 3);
  CHECK(dump.objects[0].packed == 4);
  CHECK(dump.objects[1].values[0].refs[0] == 0);
  CHECK(tool::snapshot_body(snapshot_of("")).empty());
}

TEST_CASE("snapshot file: every flipped bit and every lost byte is noticed, and said what it is") {
  const std::string file = snapshot_of(a_dump);
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      CAPTURE(i);
      CHECK(refusal(damaged) != "");
    }
    CHECK(refusal(file.substr(0, i)) != "");
  }
  CHECK(refusal("") == "partage: it is no snapshot");
  CHECK(refusal(a_dump) == "partage: it is no snapshot");
  CHECK(refusal(file.substr(0, 10)) == "partage: it is truncated: not even its first line is whole");
  CHECK(refusal(file.substr(0, 60)) == "partage: it is truncated: not even its first line is whole");
  CHECK(refusal(file.substr(0, file.size() - 3)) == "partage: it is truncated: of " + std::to_string(a_dump.size()) +
                                                        " bytes " + std::to_string(a_dump.size() - 3) + " are there");
  CHECK(refusal(file + "xy") == "partage: it has 2 bytes too many");
  std::string version = file;
  version[25] = '7';
  CHECK(refusal(version) == "partage: it has format 7, and this program reads format 1");
  std::string body = file;
  body[tool::snapshot_head_size + 50] = '?';
  CHECK(refusal(body) == "partage: its checksum is wrong: something in it was changed");
  std::string head = file;
  head[30] = 'x';
  CHECK(refusal(head) == "partage: its first line is damaged");
  CHECK(refusal(snapshot_of("[]")).starts_with("partage: this is no dump"));
}

TEST_CASE("snapshot file: written and replaced whole, for its owner only") {
  const Directory directory;
  const SnapshotStore store(directory / "s");
  CHECK(!store.read());
  write(store, a_dump);
  CHECK(*store.read() == snapshot_of(a_dump));
  struct stat facts {};
  REQUIRE(::stat((directory / "s").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  write(store, "second");
  CHECK(*store.read() == snapshot_of("second"));
  CHECK(directory.names() == std::vector<std::string>{"s"});

  // In many pieces, over the end of any buffer.
  std::string all;
  store.write([&](SnapshotStore::Take take) {
    for (int i = 0; i < 300'000; ++i) {
      const std::string piece = std::to_string(i) + ',';
      all += piece;
      take(piece);
    }
  });
  CHECK(*store.read() == snapshot_of(all));

  // What goes wrong on the way leaves what was there, and nothing beside it.
  CHECK_THROWS_AS(store.write([](SnapshotStore::Take take) {
    take("third");
    throw Corrupt("no");
  }),
                  Corrupt);
  CHECK(*store.read() == snapshot_of(all));
  CHECK(directory.names() == std::vector<std::string>{"s"});
}

TEST_CASE("snapshot file: what is no file of ours is refused and left") {
  const Directory directory;
  CHECK_THROWS_AS(SnapshotStore(directory / "no" / "s").check_writable(), tool::Failure);
  CHECK_THROWS_AS(write(SnapshotStore(directory / "no" / "s"), "x"), tool::Failure);
  fs::create_directory(directory / "d");
  CHECK_THROWS_AS(SnapshotStore(directory / "d").read(), tool::Failure);
  CHECK_THROWS_AS(write(SnapshotStore(directory / "d"), "x"), tool::Failure);
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(SnapshotStore(directory / "pipe").read(), tool::Failure);  // and waits for nobody
  CHECK(directory.names() == std::vector<std::string>{"d", "pipe"});
}

TEST_CASE("snapshot file: behind a symbolic link, what it points to is replaced") {
  const Directory directory;
  std::ofstream(directory / "target") << "old";
  fs::create_symlink("target", directory / "link");
  write(SnapshotStore(directory / "link"), "new");
  CHECK(fs::is_symlink(directory / "link"));
  CHECK(*SnapshotStore(directory / "target").read() == snapshot_of("new"));
}

TEST_CASE("snapshot file: killed after any step, the old or the new one is there") {
  for (int step = 1; step <= 6; ++step) {
    CAPTURE(step);
    const Directory directory;
    SnapshotStore store(directory / "s");
    write(store, "old");
    const ChildResult end = run_child(
        [&] {
          store.after_step = [&](int at) {
            if (at == step) ::kill(::getpid(), SIGKILL);
          };
          write(store, "new");
          return 1;
        },
        10s);
    CHECK(end.end == ChildResult::End::signaled);
    CHECK(end.code == SIGKILL);
    store.after_step = {};
    CHECK(*store.read() == snapshot_of(step < 5 ? "old" : "new"));
    CHECK(directory.names().size() == (step < 5 ? 2 : 1));
    std::ofstream(directory / "s.partage-mine!") << "of somebody else";
    std::ofstream(directory / "t.partage-123456") << "of another file";
    store.clean_up();
    CHECK(directory.names() == std::vector<std::string>{"s", "s.partage-mine!", "t.partage-123456"});
  }
}

TEST_CASE("snapshot file: killed at any moment, the old or the new one is there") {
  std::mt19937_64 random(test_seed());
  const Directory directory;
  const SnapshotStore store(directory / "s");
  write(store, "0");
  for (long i = 0; i < repeats(30); ++i) {
    ChildGroup group;
    const pid_t pid = group.start([&]() -> int {
      for (int n = 0;; ++n) write(store, std::string(static_cast<std::size_t>(n % 7) * 100'000, 'x'));
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
    group.kill(pid);
    CHECK_NOTHROW(tool::snapshot_body(*store.read()));
    store.clean_up();
    CHECK(directory.names() == std::vector<std::string>{"s"});
  }
}

TEST_CASE("snapshot file: a full disk keeps the old one and says so") {
  const TmpfsRun run = run_on_small_shm(
      std::size_t{1} << 20,
      []() -> int {
        const SnapshotStore store("/dev/shm/s");
        write(store, "old");
        std::string sentence;
        try {
          write(store, std::string(std::size_t{4} << 20, 'x'));
          return 1;
        } catch (const tool::Failure& e) {
          sentence = e.sentence;
        }
        if (sentence !=
            "partage: the snapshot '/dev/shm/s' was not written: No space left on device; what was there is kept") {
          throw ValueError(sentence);
        }
        if (*store.read() != snapshot_of("old")) return 2;
        fs::remove("/dev/shm/s");
        return fs::is_empty("/dev/shm") ? 0 : 3;
      },
      20s);
  if (!run.why_not.empty()) {
    MESSAGE("skipped: ", run.why_not);
    return;
  }
  CHECK_MESSAGE(run.result.ok(), run.result.describe());
}

TEST_CASE("durations as people write them") {
  CHECK(tool::parse_duration("500ms") == 500ms);
  CHECK(tool::parse_duration("30s") == 30s);
  CHECK(tool::parse_duration("1.5m") == 90s);
  CHECK(tool::parse_duration("2min") == 2min);
  CHECK(tool::parse_duration("0s") == 0s);
  CHECK(tool::parse_duration("2h") == 2h);
  CHECK(tool::parse_duration("1d") == 24h);
  for (const char* text : {"", "30", "s", "-1s", "1e3s", "5 s", "400d", "nans", "30S", "1m30s"}) {
    CAPTURE(text);
    CHECK(!tool::parse_duration(text));
  }
}

}  // namespace partage::test
