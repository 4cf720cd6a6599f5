// Threads of one process on one mapping: what TSan can judge. Writers and lock-free readers meet on the same keys and
// elements, with inline values, blobs that are recycled at once, growing tables, and handles.

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <partage/partage.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

/// Runs each function in a thread of its own; the first exception fails the test.
void together(const std::vector<std::function<void()>>& functions) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  std::string text;
  for (const auto& fn : functions) {
    threads.emplace_back([&] {
      try {
        fn();
      } catch (const std::exception& e) {
        if (failed.fetch_add(1) == 0) text = e.what();
      }
    });
  }
  for (auto& t : threads) t.join();
  INFO(text);
  CHECK(failed == 0);
}

/// A value that shows when it was torn: one letter, repeated as often as the letter says.
std::string whole_value(std::uint64_t n) {
  return std::string(1 + n % 26 * 7, static_cast<char>('a' + n % 26));
}
bool is_whole(const std::string& s) {
  return !s.empty() && s.find_first_not_of(s[0]) == std::string::npos &&
         s.size() == 1 + static_cast<std::size_t>(s[0] - 'a') * 7;
}

}  // namespace

TEST_CASE("threads: a dict's readers see whole values while writers overwrite, insert and erase") {
  Manager manager({.max_size = std::size_t{256} << 20});
  const auto dict = manager.dict<int, std::string>();
  for (int i = 0; i < 20; ++i) dict[i] = whole_value(static_cast<std::uint64_t>(i));
  std::atomic<bool> stop{false};
  std::atomic<long> torn{0}, seen{0};
  const auto writer = [&](int from) {
    std::mt19937_64 random(test_seed() + static_cast<std::uint64_t>(from));
    for (long n = 0; n < repeats(3'000); ++n) {
      const int k = static_cast<int>(random() % 40);
      if (random() % 4 == 0) {
        dict.pop(k, "");
      } else {
        dict[k] = whole_value(random());
      }
    }
  };
  const auto reader = [&] {
    std::mt19937_64 random(test_seed() + 9);
    while (!stop) {
      if (const auto v = dict.get(static_cast<int>(random() % 40))) {
        ++seen;
        if (!is_whole(*v)) ++torn;
      }
      if (random() % 64 == 0) {
        for (const auto& [k, v] : dict) torn += is_whole(v) ? 0 : 1;
      }
    }
  };
  std::thread r1(reader), r2(reader);
  while (seen == 0) std::this_thread::yield();  // writers may be done before a reader has begun
  together({[&] { writer(0); }, [&] { writer(1); }});
  stop = true;
  r1.join();
  r2.join();
  CHECK(torn == 0);
}

TEST_CASE("threads: a list's readers see whole elements while it is appended to, popped and shifted") {
  Manager manager({.max_size = std::size_t{256} << 20});
  const auto list = manager.list<std::string>();
  std::atomic<bool> stop{false};
  std::atomic<long> torn{0};
  const auto writer = [&](std::uint64_t stream) {
    std::mt19937_64 random(test_seed() + stream);
    for (long n = 0; n < repeats(2'000); ++n) {
      const auto op = random() % 10;
      const std::size_t size = list.size();
      try {
        if (op < 4 || size < 5) {
          list.append(whole_value(random()));
        } else if (op < 6) {
          list.pop(0);
        } else if (op < 7) {
          list.insert(static_cast<std::ptrdiff_t>(random() % size), whole_value(random()));
        } else if (op < 8) {
          list.erase(static_cast<std::ptrdiff_t>(random() % size));
        } else {
          list[static_cast<std::ptrdiff_t>(random() % size)] = whole_value(random());
        }
      } catch (const IndexError&) {
        // The other writer was quicker.
      }
    }
  };
  const auto reader = [&] {
    std::mt19937_64 random(test_seed() + 7);
    while (!stop) {
      try {
        if (!is_whole(list.at(static_cast<std::ptrdiff_t>(random() % 8)))) ++torn;
      } catch (const IndexError&) {
      }
      if (random() % 64 == 0) {
        for (const auto& s : list) torn += is_whole(s) ? 0 : 1;
      }
    }
  };
  std::thread r1(reader), r2(reader);
  together({[&] { writer(0); }, [&] { writer(1); }});
  stop = true;
  r1.join();
  r2.join();
  CHECK(torn == 0);
}

TEST_CASE("threads: a list of numbers is read whole while it moves through its ring, grows and shrinks") {
  Manager manager({.max_size = std::size_t{64} << 20});
  const auto list = manager.list<long>();
  std::atomic<bool> stop{false};
  std::atomic<long> wrong{0};
  const auto writer = [&] {  // always consecutive numbers
    long next = 0;
    for (long n = 0; n < repeats(3'000); ++n) {
      const std::size_t length = static_cast<std::size_t>(n % 1'000 < 700 ? 1'000 : 20);
      list.append(next++);
      while (list.size() > length) list.pop(0);
    }
  };
  const auto reader = [&] {
    long last = 0;
    while (!stop) {
      long before = 0;
      bool first = true;
      for (const long x : list.copy()) {
        if (!first && x != before + 1) ++wrong;
        first = false;
        before = x;
      }
      try {
        const long now = list.at(0);
        if (now < last) ++wrong;
        last = now;
        if (list.at(-1) < now) ++wrong;
      } catch (const IndexError&) {
      }
    }
  };
  std::thread r1(reader), r2(reader);
  together({writer});
  stop = true;
  r1.join();
  r2.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads: one-step += loses nothing, on one hot key and on a list element") {
  Manager manager({.max_size = std::size_t{64} << 20});
  const auto dict = manager.dict<std::string, long>({{"hot", 0}});
  const auto list = manager.list<long>({0, 0});
  const long each = repeats(3'000);
  const auto count = [&] {
    for (long i = 0; i < each; ++i) {
      dict["hot"] += 1;
      ++list[0];
      list.modify(1, [](long& x) { ++x; });
    }
  };
  together({count, count, count});
  CHECK(dict["hot"] == 3 * each);
  CHECK(list[0] == 3 * each);
  CHECK(list[1] == 3 * each);
}

TEST_CASE("threads: a value without a lock loses nothing, and is never torn") {
  struct Both {
    std::int32_t a, b;
  };
  const Value<long> sum(0);
  const Value<short> wraps(0);
  const Value<double> halves(0);
  const Value<Both> both(Both{0, 0});
  const Value<bool> done(false);
  const Value<std::string> big(whole_value(0));
  const Array<int> array(8);
  const long each = repeats(5'000);
  std::atomic<long> torn{0};
  const auto count = [&] {
    for (long i = 0; i < each; ++i) {
      sum += 1;
      ++wraps;
      halves += 0.5;
      both.modify([](Both& x) { x = {x.a + 1, x.b + 1}; });
      array[i % 8] += 1;
      if (i % 8 == 0) big = whole_value(static_cast<std::uint64_t>(i));
    }
  };
  std::thread reader([&] {
    while (!done) {
      const Both now = both;
      if (now.a != now.b || !is_whole(big)) ++torn;
    }
  });
  together({count, count, count});
  done = true;
  reader.join();
  CHECK(torn == 0);
  CHECK(sum == 3 * each);
  CHECK(wraps == static_cast<short>(3 * each));
  CHECK(halves == 1.5 * static_cast<double>(each));
  CHECK(both.get().a == 3 * each);
  long in_array = 0;
  for (const int x : array) in_array += x;
  CHECK(in_array == 3 * each);
}

TEST_CASE("threads: handles are stored, read and dropped at once, and every object is freed in the end") {
  Manager manager({.max_size = std::size_t{64} << 20});
  const auto outer = manager.dict<int, ListProxy<int>>();
  const auto objects_at_start = manager.objects().size();
  const auto storer = [&](std::uint64_t stream) {
    std::mt19937_64 random(test_seed() + stream);
    for (long i = 0; i < repeats(400); ++i) {
      const int k = static_cast<int>(random() % 4);
      if (random() % 3 == 0) {
        if (outer.contains(k)) {
          try {
            outer.pop(k).append(1);
          } catch (const KeyError&) {
          }
        }
      } else {
        outer[k] = manager.list<int>({1, 2, 3});
      }
    }
  };
  const auto reader = [&] {
    std::mt19937_64 random(test_seed() + 5);
    for (long i = 0; i < repeats(800); ++i) {
      if (const auto inner = outer.get(static_cast<int>(random() % 4))) {
        if (inner->size() < 3) throw std::runtime_error("a list that is not the one stored");
      }
    }
  };
  together({[&] { storer(1); }, [&] { storer(2); }, reader, reader});
  outer.clear();
  CHECK(manager.objects().size() == objects_at_start);
}

}  // namespace partage::test
