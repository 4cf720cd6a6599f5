// The fields of an aggregate: how many, their types, and a visit to each. Up to 32 fields, C arrays among them.
//
// The count is the largest n for which `T{{}, {}, ... n times}` is valid: an empty brace initialises exactly one
// member, whatever its type, so that neither brace elision nor converting constructors can mislead it (Boost.PFR 1.81
// counts the elements of a C array as fields). The visit is a structured binding.
//
// Requires of T: an aggregate class, default constructible, no base class, no anonymous union; kind.hpp checks what can
// be checked. Thread safety: full.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <partage/codec/type_list.hpp>

// clang-format off
#define PARTAGE_EACH_1(X) X(1)
#define PARTAGE_EACH_2(X) PARTAGE_EACH_1(X), X(2)
#define PARTAGE_EACH_3(X) PARTAGE_EACH_2(X), X(3)
#define PARTAGE_EACH_4(X) PARTAGE_EACH_3(X), X(4)
#define PARTAGE_EACH_5(X) PARTAGE_EACH_4(X), X(5)
#define PARTAGE_EACH_6(X) PARTAGE_EACH_5(X), X(6)
#define PARTAGE_EACH_7(X) PARTAGE_EACH_6(X), X(7)
#define PARTAGE_EACH_8(X) PARTAGE_EACH_7(X), X(8)
#define PARTAGE_EACH_9(X) PARTAGE_EACH_8(X), X(9)
#define PARTAGE_EACH_10(X) PARTAGE_EACH_9(X), X(10)
#define PARTAGE_EACH_11(X) PARTAGE_EACH_10(X), X(11)
#define PARTAGE_EACH_12(X) PARTAGE_EACH_11(X), X(12)
#define PARTAGE_EACH_13(X) PARTAGE_EACH_12(X), X(13)
#define PARTAGE_EACH_14(X) PARTAGE_EACH_13(X), X(14)
#define PARTAGE_EACH_15(X) PARTAGE_EACH_14(X), X(15)
#define PARTAGE_EACH_16(X) PARTAGE_EACH_15(X), X(16)
#define PARTAGE_EACH_17(X) PARTAGE_EACH_16(X), X(17)
#define PARTAGE_EACH_18(X) PARTAGE_EACH_17(X), X(18)
#define PARTAGE_EACH_19(X) PARTAGE_EACH_18(X), X(19)
#define PARTAGE_EACH_20(X) PARTAGE_EACH_19(X), X(20)
#define PARTAGE_EACH_21(X) PARTAGE_EACH_20(X), X(21)
#define PARTAGE_EACH_22(X) PARTAGE_EACH_21(X), X(22)
#define PARTAGE_EACH_23(X) PARTAGE_EACH_22(X), X(23)
#define PARTAGE_EACH_24(X) PARTAGE_EACH_23(X), X(24)
#define PARTAGE_EACH_25(X) PARTAGE_EACH_24(X), X(25)
#define PARTAGE_EACH_26(X) PARTAGE_EACH_25(X), X(26)
#define PARTAGE_EACH_27(X) PARTAGE_EACH_26(X), X(27)
#define PARTAGE_EACH_28(X) PARTAGE_EACH_27(X), X(28)
#define PARTAGE_EACH_29(X) PARTAGE_EACH_28(X), X(29)
#define PARTAGE_EACH_30(X) PARTAGE_EACH_29(X), X(30)
#define PARTAGE_EACH_31(X) PARTAGE_EACH_30(X), X(31)
#define PARTAGE_EACH_32(X) PARTAGE_EACH_31(X), X(32)
#define PARTAGE_EMPTY_BRACE(i) {}
#define PARTAGE_FIELD(i) field##i
#define PARTAGE_FIELD_TYPE(i) decltype(field##i)
#define PARTAGE_FIELD_VISIT(i) static_cast<void>(visit(field##i))
#define PARTAGE_ALL(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
// clang-format on

namespace partage::codec {

inline constexpr std::size_t max_fields = 32;

namespace detail {

// Converts to base classes of T only: initialises a first member that is a base, and no other.
template <class T>
struct AnyBaseOf {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U() const noexcept;
};

template <class T>
consteval std::size_t count_fields() {
#define PARTAGE_COUNT(n)                                                   \
  if constexpr (!requires { T{PARTAGE_EACH_##n(PARTAGE_EMPTY_BRACE)}; }) { \
    return (n)-1;                                                          \
  } else
  PARTAGE_ALL(PARTAGE_COUNT)
  if constexpr (requires { T{PARTAGE_EACH_32(PARTAGE_EMPTY_BRACE), {}}; }) {
    return max_fields + 1;
  } else {
    return max_fields;
  }
#undef PARTAGE_COUNT
}

}  // namespace detail

template <class T>
concept HasBase = requires {
  T{detail::AnyBaseOf<T>{}};
};

/// Number of fields of the aggregate T; max_fields + 1 means "more than we can visit".
template <class T>
inline constexpr std::size_t field_count = detail::count_fields<T>();

/// visit(field) for every field of `object`, in order.
template <class T, class Visitor>
constexpr void for_each_field(T& object, Visitor&& visit) {
  constexpr std::size_t count = field_count<std::remove_const_t<T>>;
  static_assert(count <= max_fields);
#define PARTAGE_CASE(n)                               \
  if constexpr (count == (n)) {                       \
    auto& [PARTAGE_EACH_##n(PARTAGE_FIELD)] = object; \
    PARTAGE_EACH_##n(PARTAGE_FIELD_VISIT);            \
  } else
  PARTAGE_ALL(PARTAGE_CASE) {
    static_cast<void>(object);
    static_cast<void>(visit);
  }
#undef PARTAGE_CASE
}

namespace detail {

template <class T>
auto field_types(T& object) {
  constexpr std::size_t count = field_count<T>;
#define PARTAGE_CASE(n)                                      \
  if constexpr (count == (n)) {                              \
    auto& [PARTAGE_EACH_##n(PARTAGE_FIELD)] = object;        \
    return TypeList<PARTAGE_EACH_##n(PARTAGE_FIELD_TYPE)>{}; \
  } else
  PARTAGE_ALL(PARTAGE_CASE) {
    static_cast<void>(object);
    return TypeList<>{};
  }
#undef PARTAGE_CASE
}

}  // namespace detail

/// TypeList of the declared types of the fields of the aggregate T.
template <class T>
using FieldTypes = decltype(detail::field_types(std::declval<T&>()));

}  // namespace partage::codec

#undef PARTAGE_EACH_1
#undef PARTAGE_EACH_2
#undef PARTAGE_EACH_3
#undef PARTAGE_EACH_4
#undef PARTAGE_EACH_5
#undef PARTAGE_EACH_6
#undef PARTAGE_EACH_7
#undef PARTAGE_EACH_8
#undef PARTAGE_EACH_9
#undef PARTAGE_EACH_10
#undef PARTAGE_EACH_11
#undef PARTAGE_EACH_12
#undef PARTAGE_EACH_13
#undef PARTAGE_EACH_14
#undef PARTAGE_EACH_15
#undef PARTAGE_EACH_16
#undef PARTAGE_EACH_17
#undef PARTAGE_EACH_18
#undef PARTAGE_EACH_19
#undef PARTAGE_EACH_20
#undef PARTAGE_EACH_21
#undef PARTAGE_EACH_22
#undef PARTAGE_EACH_23
#undef PARTAGE_EACH_24
#undef PARTAGE_EACH_25
#undef PARTAGE_EACH_26
#undef PARTAGE_EACH_27
#undef PARTAGE_EACH_28
#undef PARTAGE_EACH_29
#undef PARTAGE_EACH_30
#undef PARTAGE_EACH_31
#undef PARTAGE_EACH_32
#undef PARTAGE_EMPTY_BRACE
#undef PARTAGE_FIELD
#undef PARTAGE_FIELD_TYPE
#undef PARTAGE_FIELD_VISIT
#undef PARTAGE_ALL
