// The name of a user's type as a C++ programmer writes it (`shop::Item`), the same from every compiler: taken from
// __PRETTY_FUNCTION__ and cleaned of what differs between them (spelling of long, inline namespaces of the standard
// library, anonymous namespaces, the function around a local type).
//
// Thread safety: full.
#pragma once

#include <string>
#include <string_view>

#include <partage/export.hpp>

namespace partage::codec {

namespace detail {
template <class T>
constexpr std::string_view pretty_function() {
  return __PRETTY_FUNCTION__;
}
/// From the text of pretty_function<T>() to the cleaned name of T.
PARTAGE_API std::string clean_type_name(std::string_view pretty);
}  // namespace detail

template <class T>
std::string type_name() {
  return detail::clean_type_name(detail::pretty_function<T>());
}

/// The name of a template: `shop::Box` of `shop::Box<int>`.
PARTAGE_API std::string template_name(std::string_view name);

/// Without namespaces: `Item`.
PARTAGE_API std::string unqualified(std::string_view name);

}  // namespace partage::codec
