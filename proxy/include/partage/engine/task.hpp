// What a Process calls: a function with its arguments, type-erased.
//
// Thread safety: none; it belongs to one Process.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <partage/export.hpp>

namespace partage::engine::process {

struct Child;  // proxy/process/child.hpp

struct PARTAGE_API Task {
  virtual ~Task();
  virtual void run() = 0;
};

template <class Fn, class... Args>
class Call final : public Task {
 public:
  template <class F, class... A>
  explicit Call(F&& fn, A&&... args) : fn_(std::forward<F>(fn)), args_(std::forward<A>(args)...) {}
  void run() override {
    std::apply([this](Args&... args) { static_cast<void>(std::invoke(std::move(fn_), std::move(args)...)); }, args_);
  }

 private:
  Fn fn_;
  std::tuple<Args...> args_;
};

template <class Fn, class... Args>
std::unique_ptr<Task> make_task(Fn&& fn, Args&&... args) {
  static_assert(
      std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>,
      "partage: the function of a Process cannot be called with copies of these arguments; take them by value or "
      "const reference, as with std::thread, and let shared objects carry results back");
  return std::make_unique<Call<std::decay_t<Fn>, std::decay_t<Args>...>>(std::forward<Fn>(fn),
                                                                         std::forward<Args>(args)...);
}

}  // namespace partage::engine::process
