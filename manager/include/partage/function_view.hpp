// A borrowed callable: two words, no allocation, for a function that is called before the call it was passed to returns.
// (std::function_ref is C++26.)
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace partage {

template <class Signature>
class FunctionView;

template <class R, class... Args>
class FunctionView<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionView> && std::is_invocable_r_v<R, F&, Args...>)
      FunctionView(F&& f)
  noexcept  // NOLINT: implicit by design, as std::function
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace partage
