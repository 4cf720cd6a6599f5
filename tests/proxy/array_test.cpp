// Array<T> as a program uses it: with and without a Manager, alone, in containers, by many processes.
#include <chrono>
#include <numeric>
#include <partage/engine/process_tree.hpp>
#include <set>

#include "manager/registry/verify.hpp"
#include "proxy/engine/session.hpp"
#include "support.hpp"
#include "tests/support/processes.hpp"

using namespace partage;
using namespace partage::test;
using namespace std::chrono_literals;

TEST_SUITE("array") {
  TEST_CASE("array: of a size it is zeros, of values it is those") {
    CHECK(Array<int>(3).copy() == Ints{0, 0, 0});
    CHECK(Array<int>{3}.copy() == Ints{3});
    CHECK(Array<int>({1, 2, 3}).copy() == Ints{1, 2, 3});
    CHECK(Array<int>(0).empty());
    CHECK(Array<std::string>(2).copy() == Strings{"", ""});
    const std::vector<short> shorts{1, 2};
    CHECK(Array<int>(shorts).copy() == Ints{1, 2});
    CHECK(Array<int>(std::set<int>{2, 1}).copy() == Ints{1, 2});
    Array<int> a{1, 2};
    Array<int> same(a);
    CHECK(same.is(a));
    CHECK_THROWS_AS(Array<int>(-1), ValueError);
    CHECK(kernel::verify_segment(engine::process_tree()->segment()) == "");
  }

  TEST_CASE("array: memory that was used before is zeros too") {
    { const Array<int> used(std::vector<int>(5000, 77)); }
    const Array<int> fresh(5000);
    for (const int x : fresh) REQUIRE(x == 0);
  }

  TEST_CASE("array: a million zeros at once") {
    const auto start = std::chrono::steady_clock::now();
    const Array<int> a(1'000'000);
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    CHECK(a.size() == 1'000'000);
    CHECK(a[-1] == 0);
    a[999'999] = 5;
    CHECK(a[-1] == 5);
  }

  TEST_CASE("array: prefix sums by a child") {
    const Array<int> a{1, 2, 3, 4, 5};
    Process child([=] {
      for (int i = 1; i < 5; ++i) a[i] += a[i - 1];
    });
    child.start();
    child.join();
    CHECK(a.copy() == Ints{1, 3, 6, 10, 15});
  }

  TEST_CASE("array: elements") {
    const Array<int> a{10, 20, 30};
    CHECK(a[0] == 10);
    CHECK(a[-1] == 30);
    CHECK(a.at(1) == 20);
    a[1] = 21;
    a[-1] += 5;
    CHECK(a[0]++ == 10);
    CHECK(a.copy() == Ints{11, 21, 35});
    a[0] = a[1];
    CHECK(a.modify(2, [](int& x) { return x = 7; }) == 7);
    CHECK(a == Ints{21, 21, 7});
    CHECK(a == Array<int>{21, 21, 7});
    CHECK(text(a) == "[21, 21, 7]");
    CHECK(text(Array<std::string>{"a"}) == "['a']");
    const std::string message = message_of<IndexError>([&] { a.at(3); });
    CHECK(has(message, "array"));
    CHECK(has(message, "3 elements"));
    CHECK_THROWS_AS(a[-4] = 1, IndexError);
    CHECK_THROWS_AS(a.modify(3, [](int&) {}), IndexError);
    CHECK_THROWS_AS(Array<int>(0).at(0), IndexError);
    CHECK(a == Ints{21, 21, 7});
  }

  TEST_CASE("array: slices keep the length") {
    const Array<int> a{0, 1, 2, 3, 4, 5};
    CHECK(a.slice(1, 4) == Ints{1, 2, 3});
    CHECK(a.slice(std::nullopt, std::nullopt, -2) == Ints{5, 3, 1});
    CHECK(a.slice(4, 100) == Ints{4, 5});
    a.assign_slice(1, 3, {10, 20});
    a.assign_slice(std::nullopt, std::nullopt, {7, 8, 9}, 2);
    CHECK(a == Ints{7, 10, 8, 3, 9, 5});
    a.assign_slice(std::nullopt, std::nullopt, std::vector<int>(6, 1));
    CHECK(a == Ints{1, 1, 1, 1, 1, 1});
    a.assign_slice(2, 2, std::initializer_list<int>{});
    const std::string message = message_of<ValueError>([&] { a.assign_slice(1, 3, {1, 2, 3}); });
    CHECK(has(message, "3 values for a slice of 2 elements"));
    CHECK_THROWS_AS(a.assign_slice(6, 6, {1}), ValueError);
    CHECK_THROWS_AS(a.assign_slice(0, 6, {1, 2}, 2), ValueError);
    CHECK_THROWS_AS(a.assign_slice(0, 6, {1}, 0), ValueError);
    CHECK_THROWS_AS(a.assign_slice(std::nullopt, std::nullopt, std::initializer_list<int>{}), ValueError);
    CHECK(a == Ints{1, 1, 1, 1, 1, 1});
  }

  TEST_CASE("array: iteration is over a snapshot") {
    const Array<int> a{1, 2, 3};
    int sum = 0;
    for (const int x : a) {
      a[2] = 100;
      sum += x;
    }
    CHECK(sum == 6);
  }

  TEST_CASE("array: four processes += 100000 times each, exactly") {
    const Array<long> sums(3);
    std::vector<Process> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([=] {
        for (int i = 0; i < 100'000; ++i) sums[i % 3] += 1;
      });
    }
    for (Process& w : workers) w.start();
    for (Process& w : workers) w.join();
    const std::vector<long> all = sums.copy();
    CHECK(std::accumulate(all.begin(), all.end(), 0L) == 400'000);
  }

  TEST_CASE("array: of a manager, with a name and a type") {
    Manager m;
    const auto a = m.Array<int>({1, 2});
    CHECK(m.Array<double>(3).copy() == std::vector<double>(3));
    CHECK(m.Array<int>(std::vector<int>{4}).copy() == Ints{4});
    const auto cells = m.Array<int>(named("cells"), 2);
    CHECK(m.Array<int>(named("cells"), {5, 6, 7}).is(cells));
    CHECK(m.Array<int>(named("cells"), std::vector<int>{1}).is(cells));
    CHECK(cells.size() == 2);
    const std::string message = message_of<TypeError>([&] { m.Array<long>(named("cells"), 1); });
    CHECK(has(message, "shared_array<i32>"));
    CHECK(has(message, "shared_array<i64>"));
    for (const ObjectInfo& o : m.objects()) {
      if (o.name == "cells") CHECK(o.kind == "array");
    }
    m.shutdown();
    CHECK_THROWS_AS(a[0] += 1, ManagerShutdown);
  }

  TEST_CASE("array: in containers, through references to the handle") {
    Manager m;
    const auto outer = m.list<Array<int>>({m.Array<int>({1, 2}), m.Array<int>(2)});
    outer[0][1] = 5;
    outer[1][0] += 7;
    CHECK(text(outer) == "[[1, 5], [7, 0]]");
    CHECK(outer[0].slice(0, 1) == Ints{1});
    CHECK(outer[0].size() == 2);
    const Array<int> first(outer[0]);
    CHECK(first.is(outer[0].get()));
    const auto numbers = m.list<int>({0});
    numbers.extend(first);
    CHECK(numbers.copy() == Ints{0, 1, 5});
    const auto of_arrays = m.Array<Array<int>>({m.Array<int>(1)});
    of_arrays[0][0] = 3;
    CHECK(text(of_arrays) == "[[3]]");
    CHECK_THROWS_AS(outer.append(Array<int>(1)), ValueError);  // another segment
  }

  TEST_CASE("array: an empty handle says so") {
    const Array<int> none;
    CHECK_THROWS_AS(none.size(), ValueError);
    CHECK_THROWS_AS(none[0] = 1, ValueError);
  }

  TEST_CASE("array: too large for the segment") {
    Manager m({.max_size = 1 << 20});
    CHECK_THROWS_AS(m.Array<double>(1'000'000), OutOfMemory);
    CHECK(m.objects().empty());
    CHECK(m.Array<double>(100).size() == 100);
  }
}
