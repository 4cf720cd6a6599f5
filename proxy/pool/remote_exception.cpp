#include "proxy/pool/remote_exception.hpp"

#include <unistd.h>

#include <algorithm>
#include <any>
#include <functional>
#include <future>
#include <new>
#include <optional>
#include <partage/error.hpp>
#include <stdexcept>
#include <system_error>
#include <typeinfo>
#include <variant>

namespace partage::engine::pool {

namespace {

/// A standard exception that has no place for a text.
template <class Standard>
class Told : public Standard {
 public:
  explicit Told(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

// Derived ones before their bases.
template <class Visit>
bool for_each_library_error(Visit visit) {
  return visit.template operator()<KeyError>("KeyError") || visit.template operator()<IndexError>("IndexError") ||
         visit.template operator()<ValueError>("ValueError") || visit.template operator()<TypeError>("TypeError") ||
         visit.template operator()<UsageError>("UsageError") || visit.template operator()<Empty>("Empty") ||
         visit.template operator()<Full>("Full") || visit.template operator()<ShutDown>("ShutDown") ||
         visit.template operator()<EOFError>("EOFError") || visit.template operator()<TimeoutError>("TimeoutError") ||
         visit.template operator()<ConnectionError>("ConnectionError") ||
         visit.template operator()<BrokenBarrierError>("BrokenBarrierError") ||
         visit.template operator()<ManagerLost>("ManagerLost") ||
         visit.template operator()<ManagerShutdown>("ManagerShutdown") ||
         visit.template operator()<Corrupt>("Corrupt") || visit.template operator()<ProcessError>("ProcessError") ||
         visit.template operator()<WorkerDied>("WorkerDied");
}
template <class Visit>
bool for_each_standard_error(Visit visit) {
  return visit.template operator()<std::invalid_argument>("invalid_argument") ||
         visit.template operator()<std::domain_error>("domain_error") ||
         visit.template operator()<std::length_error>("length_error") ||
         visit.template operator()<std::out_of_range>("out_of_range") ||
         visit.template operator()<std::logic_error>("logic_error") ||
         visit.template operator()<std::range_error>("range_error") ||
         visit.template operator()<std::overflow_error>("overflow_error") ||
         visit.template operator()<std::underflow_error>("underflow_error") ||
         visit.template operator()<std::runtime_error>("runtime_error") ||
         visit.template operator()<Told<std::bad_array_new_length>>("bad_array_new_length") ||
         visit.template operator()<Told<std::bad_alloc>>("bad_alloc") ||
         visit.template operator()<Told<std::bad_any_cast>>("bad_any_cast") ||
         visit.template operator()<Told<std::bad_cast>>("bad_cast") ||
         visit.template operator()<Told<std::bad_typeid>>("bad_typeid") ||
         visit.template operator()<Told<std::bad_function_call>>("bad_function_call") ||
         visit.template operator()<Told<std::bad_optional_access>>("bad_optional_access") ||
         visit.template operator()<Told<std::bad_variant_access>>("bad_variant_access") ||
         visit.template operator()<Told<std::bad_weak_ptr>>("bad_weak_ptr") ||
         visit.template operator()<Told<std::bad_exception>>("bad_exception") ||
         visit.template operator()<Told<std::exception>>("exception");
}

template <class E>
struct Caught {
  using type = E;
};
template <class Standard>
struct Caught<Told<Standard>> {
  using type = Standard;
};

template <class ForEach>
const char* name_among(ForEach for_each, const std::exception* error) {
  const char* found = nullptr;
  for_each([&]<class E>(const char* name) {
    if (dynamic_cast<const typename Caught<E>::type*>(error) == nullptr) return false;
    found = name;
    return true;
  });
  return found;
}

constexpr const char* system_error_name = "system_error";
constexpr const char* out_of_memory_name = "OutOfMemory";

}  // namespace

RemoteException describe_current_exception() {
  RemoteException description{.type = "runtime_error", .text = {}, .pid = ::getpid()};
  try {
    throw;
  } catch (const std::exception& error) {
    description.text = error.what();
    if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
      description.type = system_error_name;
      description.code = system->code().value();
      description.is_generic = system->code().category() == std::generic_category();
      // what() is the text given, then the message of the code, which the constructor adds again.
      const std::string message = ": " + system->code().message();
      if (description.text.ends_with(message)) description.text.resize(description.text.size() - message.size());
    } else if (const auto* memory = dynamic_cast<const OutOfMemory*>(&error)) {
      description.type = out_of_memory_name;
      description.limit = memory->limit();
      description.used = memory->used();
      description.asked = memory->asked();
      // The constructor adds these numbers again.
      description.text.resize(std::min(description.text.size(), description.text.rfind(" (limit ")));
    } else if (const char* name = name_among([](auto visit) { return for_each_library_error(visit); }, &error)) {
      description.type = name;
    } else if (const char* standard = name_among([](auto visit) { return for_each_standard_error(visit); }, &error)) {
      description.type = standard;
    }
  } catch (const Error& error) {
    description.text = error.what();
  } catch (...) {
    description.text = "an exception that is no std::exception";
  }
  return description;
}

std::exception_ptr rebuild(const RemoteException& description) {
  const std::string text = description.text + " (in worker " + std::to_string(description.pid) + ")";
  if (description.type == system_error_name) {
    const std::error_code code(description.code,
                               description.is_generic ? std::generic_category() : std::system_category());
    return std::make_exception_ptr(std::system_error(code, text));
  }
  if (description.type == out_of_memory_name) {
    return std::make_exception_ptr(OutOfMemory(text, description.limit, description.used, description.asked));
  }
  std::exception_ptr made;
  const auto make = [&]<class E>(const char* name) {
    if (description.type != name) return false;
    made = std::make_exception_ptr(E(text));
    return true;
  };
  if (!for_each_library_error(make) && !for_each_standard_error(make))
    made = std::make_exception_ptr(std::runtime_error(text));
  return made;
}

}  // namespace partage::engine::pool
