// An element reference stands for its element: plain(x) is the element for a reference and x itself for everything
// else.
//
// Thread safety: full.
#pragma once

#include <type_traits>
#include <utility>

namespace partage {

template <class Access>
class ElementRef;

namespace detail {

template <class T>
struct IsElementRef : std::false_type {};
template <class Access>
struct IsElementRef<ElementRef<Access>> : std::true_type {};
template <class T>
concept AnElementRef = IsElementRef<std::remove_cvref_t<T>>::value;

template <class T>
decltype(auto) plain(const T& x) {
  if constexpr (AnElementRef<T> && requires { x.element(); })
    return x.element();
  else if constexpr (AnElementRef<T>)  // a Value
    return x.get();
  else
    return static_cast<const T&>(x);
}

template <class T>
using Plain = decltype(plain(std::declval<const T&>()));
template <class T>
using PlainValue = std::remove_cvref_t<Plain<T>>;

}  // namespace detail
}  // namespace partage
