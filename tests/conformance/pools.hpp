// What CPython's tests of pools call, and the start methods they run under.
//
//   in_each_pool({.workers = 2}, [](Pool& pool) { ... });      // a pool of each start method; captures of `name_of(method)`
//
// What workers call is a plain function or a lambda without captures, so that it is found in a program that was run anew.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <numeric>
#include <partage/partage.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/worlds.hpp"

namespace partage::test {

inline constexpr StartMethod start_methods[] = {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver};

template <class Body>
void in_each_pool(PoolOptions options, Body body) {
  for (const StartMethod method : start_methods) {
    CAPTURE(name_of(method));
    options.start_method = method;
    Pool pool(options);
    body(pool);
  }
}

inline int square(int n) {
  return n * n;
}
inline double sqr(double x, double wait) {
  std::this_thread::sleep_for(std::chrono::duration<double>(wait));
  return x * x;
}
inline int mul(int x, int y) {
  return x * y;
}
inline int raise_if_odd(int n) {
  if (n % 2 != 0) throw KeyError(std::to_string(n));
  return n;
}

inline std::vector<int> up_to(int n) {
  std::vector<int> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}
inline std::vector<int> squares(int n) {
  std::vector<int> numbers = up_to(n);
  for (int& number : numbers) number *= number;
  return numbers;
}
inline std::vector<std::pair<int, int>> pairs_up_to(int n) {
  std::vector<std::pair<int, int>> pairs;
  for (int i = 0; i < n; ++i) pairs.emplace_back(i, n - i);
  return pairs;
}
inline std::vector<int> products(int n) {
  std::vector<int> numbers;
  for (const auto& [x, y] : pairs_up_to(n)) numbers.push_back(x * y);
  return numbers;
}

struct SayWhenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// 0, 1, ... of `total` inputs, of which the one at `when` throws; -1: asking for the first one does. (A range of its own, as
/// Clang 14 cannot compile the views of libstdc++ 12.)
class FailingAfter {
 public:
  FailingAfter(int total, int when) : total_(std::max(total, 1)), when_(when) {}

  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;

    int n = 0, when = 0;

    int operator*() const {
      if (when == -1 || n == when) throw SayWhenError("somebody said when");
      return n;
    }
    Iterator& operator++() { return ++n, *this; }
    Iterator operator++(int) { return {n++, when}; }
    bool operator==(const Iterator&) const = default;
  };
  Iterator begin() const { return {0, when_}; }
  Iterator end() const { return {total_, when_}; }

 private:
  int total_, when_;
};

template <class R>
std::vector<R> all_of(ImapResult<R> results) {
  std::vector<R> all;
  while (const auto one = results.next(long_enough)) all.push_back(*one);
  return all;
}

template <class E>
bool is(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace partage::test
