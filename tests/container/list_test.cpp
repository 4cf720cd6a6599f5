// What the byte-level list promises beyond the model test: encodings, slices, versions, user code under the lock,
// memory given back, a full segment, readers without a lock.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "tests/container/list_fixture.hpp"

namespace partage::test {
namespace {

using kernel::ByteTable;
using kernel::List;
using kernel::ListConfig;
using kernel::Slice;
using kernel::u32;
using kernel::u64;
using Texts = std::vector<std::string>;

Texts sequence(int n) {
  Texts out;
  for (int i = 0; i < n; ++i) out.push_back(std::to_string(i));
  return out;
}

std::string numbered(int i) {
  std::string s(100, 'x');
  s += std::to_string(i);
  return s;
}

BytesView view_of(const u64& v, std::size_t bytes = 8) {
  return {&v, bytes};
}

u64 number(const Bytes& b) {
  u64 v = 0;
  std::memcpy(&v, b.data(), b.size());
  return v;
}

}  // namespace

TEST_CASE("list: elements of every size come back as they were stored") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  Texts model;
  for (std::size_t n : {0, 1, 7, 8, 9, 14, 15, 16, 17, 31, 100, 2015, 2016, 2032, 2033, 5000, 100'000}) {
    model.push_back(std::string(n, static_cast<char>('a' + n % 26)));
    append(list, model.back());
  }
  check_whole(fixture, {&list});
  CHECK(contents(list) == model);
  Bytes out;
  for (std::size_t i = 0; i < model.size(); ++i) {
    REQUIRE(list.get(static_cast<std::ptrdiff_t>(i), out));
    CHECK(text(out) == model[i]);
  }
  CHECK_FALSE(list.get(static_cast<std::ptrdiff_t>(model.size()), out));
  CHECK_FALSE(list.get(-static_cast<std::ptrdiff_t>(model.size()) - 1, out));
  CHECK(list.bytes_used() > 100'000);
}

TEST_CASE("list: packed elements of 1 to 8 bytes") {
  for (kernel::u8 n = 1; n <= 8; ++n) {
    CAPTURE(int{n});
    ContainerFixture fixture;
    List list = make_list(fixture, {.packed_size = n});
    const u64 v = 0xF1F2F3F4F5F6F7F8, w = 0x0102030405060708;
    for (int i = 0; i < 20; ++i) list.append(view_of(i % 2 == 0 ? v : w, n));
    Bytes out;
    REQUIRE(list.get(-1, out));
    CHECK(out.size() == n);
    CHECK(std::memcmp(out.data(), &w, n) == 0);
    ByteTable table;
    list.snapshot(table);
    CHECK(table.packed_size() == n);
    CHECK(table.size() == 20);
    CHECK(std::memcmp(&table.packed_words()[0], &v, n) == 0);
    CHECK(table[1].size == n);
    check_whole(fixture, {&list});
  }
}

TEST_CASE("list: an empty list") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  Bytes out;
  CHECK(list.size() == 0);
  CHECK_FALSE(list.get(0, out));
  CHECK_FALSE(list.pop(-1, out));
  CHECK_FALSE(list.erase(0));
  CHECK_FALSE(list.set(0, view("x")));
  CHECK_FALSE(list.modify(0, [](BytesView, Bytes&) {}));
  CHECK_FALSE(list.drop_some(10));
  list.reverse();
  list.clear();
  list.repeat(5);
  list.extend({});
  list.erase_slice({});
  CHECK(list.assign_slice({}, {}) == 0);
  ByteTable table;
  CHECK(list.permute_if(list.snapshot(table), {}));
  list.reorder([](const ByteTable& elements) {
    CHECK(elements.empty());
    return std::vector<u32>{};
  });
  CHECK(contents(list).empty());
  check_whole(fixture, {&list});
  list.insert(-7, view("x"));
  CHECK(contents(list) == Texts{"x"});
}

TEST_CASE("slice: resolves as Python does") {
  // By definition: walk from the first index in the direction of the step while inside both bounds.
  for (int n = 0; n <= 5; ++n) {
    for (int start = -8; start <= 8; ++start) {
      for (int stop = -8; stop <= 8; ++stop) {
        for (int step = -3; step <= 3; ++step) {
          if (step == 0) continue;
          Slice s{.start = start, .stop = stop, .step = step};
          if (start == 8) s.start.reset();
          if (stop == 8) s.stop.reset();
          // What is left out lies beyond the end that the walk starts from or goes to.
          const int lowest = -n - 1, from = s.start ? start : (step > 0 ? 0 : n),
                    to = s.stop ? stop : (step > 0 ? n : lowest);
          const int first = std::max(from < 0 ? from + n : from, step > 0 ? 0 : -1);
          const int end = std::max(to < 0 ? to + n : to, -1);
          std::vector<std::size_t> expected;
          for (int i = step < 0 && first >= n ? n - 1 : first; step > 0 ? i < std::min(end, n) : i > end; i += step) {
            expected.push_back(static_cast<std::size_t>(i));
          }
          std::vector<std::size_t> found;
          const auto selection = s.resolve(static_cast<std::size_t>(n));
          for (std::size_t k = 0; k < selection.count; ++k) found.push_back(selection[k]);
          CAPTURE(n);
          CAPTURE(start);
          CAPTURE(stop);
          CAPTURE(step);
          REQUIRE(found == expected);
          std::ranges::sort(expected);
          const auto ascending = selection.ascending();
          for (std::size_t k = 0; k < selection.count; ++k) REQUIRE(ascending[k] == expected[k]);
        }
      }
    }
  }
  constexpr auto least = std::numeric_limits<std::ptrdiff_t>::min(), most = std::numeric_limits<std::ptrdiff_t>::max();
  CHECK(Slice{.start = least, .stop = most, .step = most}.resolve(10).count == 1);
  CHECK(Slice{.start = most, .stop = least, .step = least}.resolve(10).count == 1);
  CHECK(Slice{.start = most, .stop = least, .step = -1}.resolve(10).count == 10);
  CHECK_THROWS_WITH_AS(Slice{.step = 0}.resolve(1), "slice step cannot be zero", ValueError);
}

TEST_CASE("list: slices that are assigned and erased") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  list.extend(views(sequence(6)));
  CHECK_THROWS_WITH_AS(list.assign_slice({.step = 2}, views({"a", "b"})),
                       "attempt to assign sequence of size 2 to extended slice of size 3", ValueError);
  CHECK(contents(list) == sequence(6));
  CHECK(list.assign_slice({.step = -2}, views({"a", "b", "c"})) == 3);
  CHECK(contents(list) == Texts{"0", "c", "2", "b", "4", "a"});
  CHECK(list.assign_slice({.start = 4, .stop = 1}, views({"x", "y"})) == 0);  // an insertion, as in Python
  CHECK(contents(list) == Texts{"0", "c", "2", "b", "x", "y", "4", "a"});
  CHECK(list.assign_slice({.start = 100}, views({"end"})) == 0);
  list.erase_slice({.start = 1, .step = 3});
  CHECK(contents(list) == Texts{"0", "2", "b", "y", "4", "end"});
  list.erase_slice({.stop = 2});
  list.erase_slice({.start = -2});
  CHECK(contents(list) == Texts{"b", "y"});
  CHECK(list.assign_slice({}, {}) == 2);
  CHECK(list.size() == 0);
  check_whole(fixture, {&list});
}

TEST_CASE("list: a version stands for the contents") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  list.extend(views(sequence(5)));
  ByteTable table;
  const u64 version = list.snapshot(table);
  Bytes out;
  list.get(0, out);
  list.reverse(), list.reverse();
  CHECK(contents(list) == sequence(5));
  CHECK_FALSE(list.erase_if(version, 0));
  CHECK_FALSE(list.permute_if(version, std::vector<u32>{4, 3, 2, 1, 0}));
  const u64 next = list.snapshot(table);
  CHECK_FALSE(list.erase_if(next, 5));
  CHECK(list.permute_if(next, std::vector<u32>{4, 3, 2, 1, 0}));
  CHECK(contents(list) == Texts{"4", "3", "2", "1", "0"});
  const u64 last = list.snapshot(table);
  CHECK(list.erase_if(last, 1));
  CHECK_FALSE(list.erase_if(last, 1));
  for (const std::vector<u32>& order :
       std::vector<std::vector<u32>>{{0, 1, 2}, {0, 1, 2, 2}, {0, 1, 2, 4}, {0, 1, 2, 3, 4}}) {
    CHECK_THROWS_AS(list.permute_if(list.snapshot(table), order), ValueError);
  }
  CHECK_THROWS_AS(list.permute_if(list.snapshot(table), {}), ValueError);
  CHECK(contents(list) == Texts{"4", "2", "1", "0"});
}

TEST_CASE("list: the ring and the arena shrink with the contents, clear() gives all back") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  const std::size_t empty = list.bytes_used();
  for (int i = 0; i < 4000; ++i) append(list, numbered(i));
  const std::size_t full = list.bytes_used();
  CHECK(full > 4000 * 100);
  SUBCASE("from the end") {
    Bytes out;
    while (list.size() > 20) list.pop(-1, out);
    CHECK(contents(list)[19] == numbered(19));
  }
  SUBCASE("from the front") {
    while (list.size() > 20) list.erase(0);
    CHECK(contents(list)[0] == numbered(3980));
  }
  SUBCASE("by slices") {
    list.erase_slice({.start = 20});
  }
  CHECK(list.bytes_used() < full / 10);
  check_whole(fixture, {&list});
  list.clear();
  CHECK(list.bytes_used() == empty);
  check_whole(fixture, {&list});
}

TEST_CASE("list: user code under the lock") {
  ContainerFixture fixture;
  List list = make_list(fixture, {}), other = make_list(fixture, {});
  list.extend(views(sequence(3)));
  append(other, "other");

  SUBCASE("a function that throws changes nothing") {
    CHECK_THROWS_AS(list.modify(1,
                                [](BytesView, Bytes& next) {
                                  next.assign(view("half"));
                                  throw std::runtime_error("no");
                                }),
                    std::runtime_error);
    CHECK_THROWS_AS(list.reorder([](const ByteTable&) -> std::vector<u32> { throw std::runtime_error("no"); }),
                    std::runtime_error);
  }
  SUBCASE("it may read everything and write nothing") {
    Bytes out;
    list.modify(1, [&](BytesView current, Bytes& next) {
      CHECK(list.size() == 3);
      CHECK(list.get(1, out));
      CHECK(text(out) == "1");
      CHECK(contents(list) == sequence(3));
      CHECK(contents(other) == Texts{"other"});
      CHECK_THROWS_AS(append(list, "x"), UsageError);
      CHECK_THROWS_AS(append(other, "x"), UsageError);
      CHECK_THROWS_AS(other.clear(), UsageError);
      CHECK_THROWS_AS(other.modify(0, [](BytesView, Bytes&) {}), UsageError);
      next.assign(current);
    });
  }
  SUBCASE("a child forked in it writes nothing") {
    const auto fork_inside = [&](Bytes& next) {
      next.assign(view("1"));
      if (const pid_t child = fork(); child != 0) {
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 7);
        return false;
      }
      next.assign(view("the child's"));
      return true;
    };
    bool in_child = false;
    try {
      list.modify(1, [&](BytesView, Bytes& next) { in_child = fork_inside(next); });
      if (in_child) _exit(1);
    } catch (const UsageError&) {
      _exit(in_child ? 7 : 2);
    }
  }
  CHECK(contents(list) == sequence(3));
  CHECK(contents(other) == Texts{"other"});
  append(list, "after");
  check_whole(fixture, {&list, &other});
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST_CASE("list: taken apart, it leaves nothing but its body for the next one") {
  ContainerFixture fixture;
  kernel::Segment& segment = fixture.segment();
  ObjectRef ref = 0;
  List list = make_list(fixture, {}, &ref);
  const u64 body = segment.offset_of(&list.body());
  for (const std::size_t n : {3, 50, 3000, 20, 70'000}) append(list, std::string(n, 'x'));
  kernel::Stripe& home = kernel::Objects(segment).stripe_of(kernel::index_of(ref));
  {
    kernel::StripeLock lock(segment, home);
    kernel::Change change(segment, home);
    list.dismantle(change);
    CHECK(contents(list).size() == 5);  // not yet
    change.commit();
  }
  CHECK(fixture.verify({}) == "");
  const u64 lock_word = *reinterpret_cast<const u64*>(&list.body().stripe.mutex);
  List next = make_list(fixture, {.packed_size = 4});
  CHECK(segment.offset_of(&next.body()) == body);
  CHECK(next.size() == 0);
  CHECK(lock_word == *reinterpret_cast<const u64*>(&next.body().stripe.mutex));
  check_whole(fixture, {&next});
}

TEST_CASE("list: a full segment refuses with nothing changed, and can be emptied") {
  ContainerFixture fixture(1 << 20);
  List list = make_list(fixture, {}), large = make_list(fixture, {});
  Texts model, runs;
  const auto fill = [&](const List& to, Texts& expected, std::size_t bytes) {
    try {
      for (;;) {
        const std::string s(bytes, static_cast<char>('a' + expected.size() % 26));
        append(to, s);
        expected.push_back(s);
      }
    } catch (const OutOfMemory& e) {
      CHECK(e.limit() == 1 << 20);
    }
  };
  while (model.size() < 40) {
    model.push_back(std::string(200, 'm'));
    append(list, model.back());
  }
  fill(large, runs, 4000);
  fill(list, model, 200);
  fill(list, model, 16);
  const auto check = [&] {
    CHECK(contents(list) == model);
    CHECK(contents(large) == runs);
    check_whole(fixture, {&list, &large});
  };
  check();
  CHECK_THROWS_AS(list.set(0, view(std::string(5000, 'x'))), OutOfMemory);
  CHECK_THROWS_AS(list.insert(5, view(std::string(5000, 'x'))), OutOfMemory);
  CHECK_THROWS_AS(list.modify(3, [](BytesView, Bytes& next) { next.resize(5000); }), OutOfMemory);
  CHECK_THROWS_AS(list.repeat(2), OutOfMemory);
  CHECK_THROWS_AS(list.extend(views(Texts(3, std::string(3000, 'x')))), OutOfMemory);
  CHECK_THROWS_AS(list.assign_slice({.stop = 1}, views(Texts(100, std::string(3000, 'x')))), OutOfMemory);
  check();
  Bytes out;
  SUBCASE("element by element") {
    while (large.pop(large.size() % 3 == 0 ? 0 : large.size() % 3 == 1 ? -1 : 1, out) || large.pop(0, out))
      runs.pop_back();
    CHECK(runs.empty());
  }
  SUBCASE("all at once") {
    large.clear();
    runs.clear();
  }
  SUBCASE("by the one who takes lists apart") {
    while (large.drop_some(1000)) {
    }
    runs.clear();
  }
  SUBCASE("by a slice at the end") {
    large.erase_slice({.start = 10});
    runs.resize(10);
  }
  check();
  append(list, std::string(5000, 'x'));
  list.clear();
  model.clear();
  check();
}

TEST_CASE("list: an operation that cannot wait for the heap to tidy up has happened all the same") {
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  append(list, std::string(5000, 'x'));
  append(list, std::string(6000, 'y'));
  auto& heap = fixture.segment().at<kernel::HeapState>(kernel::heap_offset);
  fixture.segment().operation_timeout = std::chrono::milliseconds(5);
  std::atomic<bool> locked = false, go = false;
  std::thread stopped([&] {
    (void)heap.mutex.acquire();
    locked = true;
    while (!go) std::this_thread::yield();
    heap.mutex.release();
  });
  while (!locked) std::this_thread::yield();
  CHECK(list.set(0, view("inline")));
  CHECK_THROWS_AS(append(list, std::string(7000, 'z')), TimeoutError);
  CHECK_THROWS_AS(list.set(1, view("inline too")), TimeoutError);  // two of them cannot be remembered
  CHECK(contents(list) == Texts{"inline", std::string(6000, 'y')});
  go = true;
  stopped.join();
  CHECK(list.set(1, view("inline too")));
  CHECK(contents(list) == Texts{"inline", "inline too"});
  check_whole(fixture, {&list});
}

// ---- readers without a lock -----------------------------------------------------------------------------------------

TEST_CASE("list: optimistic readers never see half of anything") {
  // Every element is a letter repeated; every length belongs to its letter; the list always has between 20 and 60
  // elements.
  ContainerFixture fixture;
  List list = make_list(fixture, {});
  const auto element = [](u64 i) {
    return std::string(std::array<std::size_t, 6>{3, 15, 16, 300, 2100, 9000}[i % 6], static_cast<char>('a' + i % 6));
  };
  for (u64 i = 0; i < 40; ++i) append(list, element(i));
  std::atomic<bool> stop = false;
  std::atomic<long> reads[2] = {0, 0};
  const auto good = [](const std::string& s) {
    return !s.empty() && s.find_first_not_of(s[0]) == std::string::npos &&
           s.size() == std::array<std::size_t, 6>{3, 15, 16, 300, 2100, 9000}[static_cast<std::size_t>(s[0] - 'a')];
  };
  std::vector<std::string> problems[2];
  const auto reader = [&](std::size_t who) {
    Bytes out;
    ByteTable table;
    for (u64 i = who; !stop; i = i * 6364136223846793005u + 1442695040888963407u) {
      if (!list.get(static_cast<std::ptrdiff_t>(i >> 40) % 20, out) || !good(text(out))) problems[who].push_back("get");
      const std::size_t n = list.size();
      if (n < 20 || n > 60) problems[who].push_back("size");
      if (i % 16 == 0) {
        list.slice({.start = -10}, table);
        if (table.size() != 10) problems[who].push_back("slice");
        for (std::size_t k = 0; k < table.size(); ++k) {
          if (!good(text(table[k]))) problems[who].push_back("slice element");
        }
      }
      ++reads[who];
    }
  };
  std::thread first(reader, 0), second(reader, 1);
  while (reads[0] == 0 || reads[1] == 0) std::this_thread::yield();
  Bytes out;
  for (u64 n = 0, i = 7; n < 3000; ++n, i = i * 6364136223846793005u + 1442695040888963407u) {
    const auto size = static_cast<std::ptrdiff_t>(list.size());
    const auto at = static_cast<std::ptrdiff_t>(i >> 33) % size;
    switch (size < 25 ? 0 : size > 55 ? 1 : (i >> 20) % 6) {
      case 0:
        list.insert(at, view(element(i >> 50)));
        break;
      case 1:
        list.pop(at, out);
        break;
      case 2:
        list.set(at, view(element(i >> 50)));
        break;
      case 3:
        list.reverse();
        break;
      case 4:
        append(list, element(i >> 50));
        break;
      default:
        list.assign_slice({.start = at, .stop = at + 3}, views({element(n), element(n + 1), element(n + 2)}));
    }
    if (list.size() > 60) list.erase(0);
  }
  stop = true;
  first.join();
  second.join();
  CHECK(problems[0] == std::vector<std::string>{});
  CHECK(problems[1] == std::vector<std::string>{});
  check_whole(fixture, {&list});
}

TEST_CASE("list: threads that append and pop lose and double nothing") {
  ContainerFixture fixture;
  List list = make_list(fixture, {.packed_size = 8});
  constexpr u64 each = 5000;
  std::vector<std::thread> threads;
  std::vector<u64> popped[4];
  for (u64 t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Bytes out;
      for (u64 i = 0; i < each; ++i) {
        const u64 v = t * each + i;
        if (i % 3 == 0)
          list.insert(static_cast<std::ptrdiff_t>(i % 50), view_of(v));
        else
          list.append(view_of(v));
        if (i % 2 == 0 && list.pop(i % 4 == 0 ? 0 : -1, out)) popped[t].push_back(number(out));
      }
    });
  }
  for (auto& t : threads) t.join();
  ByteTable table;
  list.snapshot(table);
  std::set<u64> all(table.packed_words(), table.packed_words() + table.size());
  std::size_t total = table.size();
  for (const auto& some : popped) {
    total += some.size();
    all.insert(some.begin(), some.end());
  }
  CHECK(total == 4 * each);
  CHECK(all.size() == 4 * each);
  check_whole(fixture, {&list});
}

}  // namespace partage::test
