// FunctionRef<R(A...)>: a function that can be stored in shared objects and travels through queues and pipes, by its name.
//
//   double mean(std::vector<double> values);
//   PARTAGE_FUNCTION(mean);
//
//   partage::Queue<partage::FunctionRef<double(std::vector<double>)>> tasks;
//   tasks.put(mean);                                     // here
//   double result = tasks.get()(values);                 // in another process
//
// The processes must run programs in which that name is registered with the same signature; they need not be the same
// program. Differences to std::function: functions only, no closures; never empty but when default-constructed.
// Thread safety: as a std::string. Errors: ValueError when the function is not registered here, from the constructor and
// from the call.
#pragma once

#include <string>
#include <utility>

#include <partage/registered.hpp>

namespace partage {

template <class Signature>
class FunctionRef;

template <class R, class... A>
class FunctionRef<R(A...)> {
 public:
  /// Refers to nothing: calling it is a ValueError.
  FunctionRef() = default;
  FunctionRef(R (*function)(A...))  // NOLINT: a function is one
      : name_(engine::name_of_function(reinterpret_cast<engine::Code>(function), type())) {}

  R operator()(A... args) const {
    const auto function = reinterpret_cast<R (*)(A...)>(engine::function_named(name_, type()));
    return function(std::forward<A>(args)...);
  }

  /// What PARTAGE_FUNCTION was given; "" for nothing.
  const std::string& name() const noexcept { return name_; }
  explicit operator bool() const noexcept { return !name_.empty(); }
  bool operator==(const FunctionRef&) const = default;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name_;
  }

 private:
  static const std::string& type() {
    static const std::string text = engine::function_type<R, A...>();
    return text;
  }

  std::string name_;
};

}  // namespace partage
