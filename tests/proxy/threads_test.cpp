// One handle, several threads; and the races of taking handles out of containers.
#include <thread>

#include "support.hpp"

using namespace partage;
using namespace partage::test;

namespace {
template <class Fn>
void in_threads(int n, Fn fn) {
  std::vector<std::thread> threads;
  for (int t = 0; t < n; ++t) threads.emplace_back([&, t] { fn(t); });
  for (std::thread& t : threads) t.join();
}
}  // namespace

TEST_SUITE("threads") {
  TEST_CASE("threads: += is one step") {
    Manager m;
    auto d = m.dict<std::string, int>({{"n", 0}});
    auto l = m.list<int>({0});
    in_threads(4, [&](int) {
      for (int i = 0; i < 2000; ++i) {
        d["n"] += 1;
        ++l[0];
        d.modify("m", 0, [](int& x) { ++x; });
      }
    });
    CHECK(d["n"] == 8000);
    CHECK(d["m"] == 8000);
    CHECK(l[0] == 8000);
  }

  TEST_CASE("threads: append and pop lose nothing") {
    Manager m;
    auto l = m.list<int>();
    std::atomic<int> popped{0};
    in_threads(4, [&](int t) {
      for (int i = 0; i < 1000; ++i) {
        if (t % 2 == 0) {
          l.append(i);
        } else {
          try {
            l.pop(0);
            ++popped;
          } catch (const IndexError&) {
          }
        }
      }
    });
    CHECK(l.size() + static_cast<std::size_t>(popped) == 2000);
  }

  TEST_CASE("threads: every element of a set is added and popped once") {
    Manager m;
    auto s = m.set<int>();
    std::atomic<int> popped{0};
    in_threads(4, [&](int t) {
      for (int i = 0; i < 1000; ++i) {
        if (t % 2 == 0) {
          s.update({t * 1000 + i, 10'000 + i});  // the second one comes twice
        } else {
          try {
            s.pop();
            ++popped;
          } catch (const KeyError&) {
          }
        }
      }
    });
    const std::set<int> left = s.copy();
    CHECK(left.size() == s.size());
    CHECK(left.size() + static_cast<std::size_t>(popped) >= 3000);
    CHECK(left.size() + static_cast<std::size_t>(popped) <= 4000);
  }

  TEST_CASE("threads: modify of an attribute is one step") {
    Manager m;
    auto ns = m.Namespace({{"n", 0}, {"text", ""}});
    in_threads(4, [&](int) {
      for (int i = 0; i < 500; ++i) {
        ns.modify<int>("n", [](int& n) { ++n; });
        ns.modify<std::string>("text", [](std::string& x) { x += 'x'; });
      }
    });
    CHECK(ns.get<int>("n") == 2000);
    CHECK(ns.get<std::string>("text").size() == 2000);
  }

  TEST_CASE("threads: handles taken out of a container are whole") {
    Manager m;
    auto box = m.dict<int, ListProxy<int>>();
    for (int k = 0; k < 4; ++k) box[k] = m.list<int>({k, k});
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      for (int i = 0; i < 3000; ++i) {
        const int k = i % 4;
        if (i % 3 == 0) {
          auto taken = box.pop(k, ListProxy<int>());
          box[k] = m.list<int>({k, k});
        } else {
          box[k] = m.list<int>({k, k});
        }
      }
      stop = true;
    });
    in_threads(3, [&](int t) {
      int i = t;
      while (!stop) {
        const int k = i++ % 4;
        if (const auto l = box.get(k)) {
          CHECK(l->copy() == Ints{k, k});
        }
        if (i % 50 == 0) {
          for (const auto& [key, list] : box) CHECK(list.at(1) == key);
        }
      }
    });
    writer.join();
    box.clear();
    CHECK(m.objects().size() == 1);
  }

  TEST_CASE("threads: one object popped and put back by many, while others let go of it") {
    Manager m;
    auto l = m.list<ListProxy<int>>({m.list<int>({42})});
    in_threads(4, [&](int) {
      for (int i = 0; i < 2000; ++i) {
        try {
          ListProxy<int> mine = l.pop();
          if (mine.at(0) != 42) std::abort();
          l.append(mine);
        } catch (const IndexError&) {
        }
      }
    });
    CHECK(l.size() == 1);
    CHECK(l[0][0] == 42);
    CHECK(references_of(m, "list<i32>") == 1);
  }

  TEST_CASE("threads: sort and remove beside writers") {
    Manager m;
    auto l = m.list<int>();
    std::atomic<bool> stop{false};
    std::thread sorter([&] {
      while (!stop) l.sort();
    });
    in_threads(3, [&](int t) {
      for (int i = 0; i < 300; ++i) {
        l.append(1000 * t + i);
        if (i % 3 == 2) l.remove(1000 * t + i);
      }
    });
    stop = true;
    sorter.join();
    CHECK(l.size() == 600);
    l.sort();
    const Ints all = l.copy();
    CHECK(std::ranges::is_sorted(all));
    CHECK(std::ranges::adjacent_find(all) == all.end());
  }

  TEST_CASE("threads: handles copied and dropped inside modify") {
    Manager m;
    auto l = m.list<ListProxy<int>>({m.list<int>({1})});
    auto other = m.list<ListProxy<int>>({m.list<int>({2})});
    in_threads(3, [&](int t) {
      for (int i = 0; i < 500; ++i) {
        if (t == 0) {
          l.modify(0, [&](ListProxy<int>& x) {
            ListProxy<int> read = other[0];  // let go under the lock
            if (x.size() != 1 || read.size() != 1) std::abort();
            x = read;
          });
        } else {
          other[0] = m.list<int>({t});
          ListProxy<int> taken = l.at(0);
          if (taken.size() != 1) std::abort();
        }
      }
    });
    l.clear();
    other.clear();
    CHECK(m.objects().size() == 2);
  }
}
