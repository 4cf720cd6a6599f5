// What a Process calls: a function with its arguments, type-erased.
//
// A forked child has it as it is. For a child that runs the program anew it is made up as an Order: where the code is
// that makes the same Task there, and the arguments as a Parcel. That is possible when every argument could be an element
// of a list (or is a Connection), and the function is a function of the program, a lambda without captures, or
// an object that could be an element itself.
//
// Thread safety: none; it belongs to one Process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <partage/codec/codec.hpp>
#include <partage/engine/code_address.hpp>
#include <partage/engine/parcel.hpp>
#include <partage/export.hpp>

namespace partage::engine::process {

struct Child;  // proxy/process/child.hpp
struct Task;

using Entry = std::unique_ptr<Task> (*)(const Parcel&);

struct Order {
  CodeAddress entry;  // of an Entry
  Parcel arguments;
};

struct PARTAGE_API Task {
  virtual ~Task();
  virtual void run() = 0;
  /// Throws ProcessError when it cannot be done.
  virtual Order order() const = 0;
};

/// For order(): neither the function nor the argument of that type can be sent.
[[noreturn]] PARTAGE_API void throw_not_sendable(const std::string& type, bool is_function);

// ---- what can be sent ------------------------------------------------------------------------------------------------

template <class T, class... Open>
consteval bool is_sendable();

template <class... Open, class... P>
consteval bool are_sendable(codec::TypeList<P...>) {
  return (is_sendable<P, Open...>() && ... && true);
}

/// T could be an element of a list, or is a passenger. `Open`: the types on the way to T, as in codec::Storable.
template <class T, class... Open>
consteval bool is_sendable() {
  if constexpr (codec::Passenger<T> || codec::Handle<T> || codec::is_among<T, Open...>) {
    return true;
  } else if constexpr (codec::refusal_of<T> != codec::Refusal::none) {
    return false;
  } else if constexpr (codec::kind_of<T> != codec::Kind::tuple && !std::is_default_constructible_v<T>) {
    return false;
  } else {
    return are_sendable<T, Open...>(codec::Parts<T>{});
  }
}

template <class Fn>
inline constexpr bool is_function_pointer = std::is_pointer_v<Fn>&& std::is_function_v<std::remove_pointer_t<Fn>>;

/// A closure without captures, and other objects that are all type.
template <class Fn>
inline constexpr bool is_stateless = std::is_class_v<Fn>&& std::is_empty_v<Fn>&& std::is_default_constructible_v<Fn>;

/// How a function travels.
template <class Fn>
struct FunctionParcel {
  using Type = Fn;
  static const Fn& to(const Fn& fn) { return fn; }
  static Fn from(Fn&& fn) { return std::move(fn); }
  static constexpr bool possible = is_sendable<Fn>();
};
template <class Fn>
requires is_function_pointer<Fn>
struct FunctionParcel<Fn> {
  using Type = CodeAddress;
  static CodeAddress to(Fn fn) { return code_address_of(fn); }
  static Fn from(CodeAddress&& address) { return reinterpret_cast<Fn>(code_at(address)); }
  static constexpr bool possible = true;
};
template <class Fn>
requires is_stateless<Fn>
struct FunctionParcel<Fn> {
  using Type = std::monostate;
  static std::monostate to(const Fn&) { return {}; }
  static Fn from(std::monostate) { return Fn(); }
  static constexpr bool possible = true;
};

// ---- a call ----------------------------------------------------------------------------------------------------------

template <class Fn, class... Args>
class Call final : public Task {
  using Function = FunctionParcel<Fn>;
  static constexpr bool arguments_sendable = (is_sendable<Args>() && ... && true);

 public:
  template <class F, class... A>
  explicit Call(F&& fn, A&&... args) : fn_(std::forward<F>(fn)), args_(std::forward<A>(args)...) {}

  void run() override {
    std::apply([this](Args&... args) { static_cast<void>(std::invoke(std::move(fn_), std::move(args)...)); }, args_);
  }

  Order order() const override {
    if constexpr (!Function::possible) {
      throw_not_sendable(codec::type_name<Fn>(), true);
    } else if constexpr (!arguments_sendable) {
      (refuse<Args>(), ...);
    } else {
      using Tuple = std::tuple<typename Function::Type, Args...>;
      return {code_address_of(&Call::make),
              std::apply([this](const Args&... args) { return pack(Tuple(Function::to(fn_), args...)); }, args_)};
    }
    throw_not_sendable("?", true);
  }

 private:
  template <class T>
  static void refuse() {
    if constexpr (!is_sendable<T>()) throw_not_sendable(codec::type_name<T>(), false);
  }

  static std::unique_ptr<Task> make(const Parcel& parcel) requires(Function::possible&& arguments_sendable) {
    auto tuple = unpack<std::tuple<typename Function::Type, Args...>>(parcel);
    return std::apply(
        [](auto&& fn, auto&&... args) -> std::unique_ptr<Task> {
          return std::make_unique<Call>(Function::from(std::forward<decltype(fn)>(fn)),
                                        std::forward<decltype(args)>(args)...);
        },
        std::move(tuple));
  }

  Fn fn_;
  std::tuple<Args...> args_;
};

/// How an argument is kept: a string literal as a std::string, because its characters stay behind.
template <class A>
using Kept = std::conditional_t<std::is_same_v<std::decay_t<A>, const char*> || std::is_same_v<std::decay_t<A>, char*>,
                                std::string, std::decay_t<A>>;

template <class Fn, class... Args>
std::unique_ptr<Task> make_task(Fn&& fn, Args&&... args) {
  using Function = std::decay_t<Fn>;
  if constexpr (std::is_invocable_v<Function, Kept<Args>...>) {
    return std::make_unique<Call<Function, Kept<Args>...>>(std::forward<Fn>(fn), std::forward<Args>(args)...);
  } else {
    static_assert(
        std::is_invocable_v<Function, std::decay_t<Args>...>,
        "partage: the function of a Process cannot be called with copies of these arguments; take them by value or "
        "const reference, as with std::thread, and let shared objects carry results back");
    return std::make_unique<Call<Function, std::decay_t<Args>...>>(std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
}

}  // namespace partage::engine::process
