// What the tests of the proxies share: the text of a value, the message of an error, and ranges of values.
#pragma once

#include <doctest/doctest.h>

#include <partage/partage.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace partage::test {

template <class T>
std::string text(const T& x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

/// what() of the E that fn throws; fails when it throws nothing.
template <class E, class Fn>
std::string message_of(Fn fn) {
  try {
    fn();
  } catch (const E& e) {
    return static_cast<const Error&>(e).what();
  }
  FAIL("nothing was thrown");
  return {};
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// ObjectInfo::references of the object with this description, 0 when there is none.
inline std::size_t references_of(const Manager& manager, const std::string& types) {
  for (const ObjectInfo& o : manager.objects()) {
    if (o.types == types) return o.references;
  }
  return 0;
}

using Ints = std::vector<int>;
using Strings = std::vector<std::string>;

}  // namespace partage::test
