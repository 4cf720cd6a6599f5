// The compound assignments, each as one step on a copy: what `list[0] += 2` and `value += 2` hand to modify().
//
// Numbers are computed in the common type of both sides, so that nothing is lost before the result is stored.
// Thread safety: a local variable's.
#pragma once

#include <type_traits>

namespace partage::detail {

// NOLINTBEGIN(bugprone-macro-parentheses): operators stand without
#define PARTAGE_STEP(name, op, assign)                                                                               \
  struct name {                                                                                                      \
    template <class T, class By>                                                                                     \
    static void apply(T& x, const By& by) {                                                                          \
      if constexpr (std::is_arithmetic_v<T> && std::is_arithmetic_v<By>)                                             \
        x = static_cast<T>(static_cast<std::common_type_t<T, By>>(x) op static_cast<std::common_type_t<T, By>>(by)); \
      else                                                                                                           \
        x assign by;                                                                                                 \
    }                                                                                                                \
  };
PARTAGE_STEP(Plus, +, +=)
PARTAGE_STEP(Minus, -, -=)
PARTAGE_STEP(Times, *, *=)
PARTAGE_STEP(DividedBy, /, /=)
PARTAGE_STEP(Modulo, %, %=)
PARTAGE_STEP(And, &, &=)
PARTAGE_STEP(Or, |, |=)
PARTAGE_STEP(Xor, ^, ^=)
PARTAGE_STEP(ShiftedLeft, <<, <<=)
PARTAGE_STEP(ShiftedRight, >>, >>=)
#undef PARTAGE_STEP
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace partage::detail
