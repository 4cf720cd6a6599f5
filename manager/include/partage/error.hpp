// The error vocabulary. Each error derives from partage::Error and from exactly one standard exception, so a program may
// catch it as Error, as its standard type, or as std::exception. Every message names the object, the operation, the
// reason and what to do.
//
// `Error` does not derive from std::exception: a second std::exception base would make `catch (std::exception&)` ambiguous.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>

#include <partage/export.hpp>

namespace partage {

/// Mixin of every error of the library.
class Error {
 public:
  virtual const char* what() const noexcept = 0;

 protected:
  Error() = default;
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  virtual ~Error() = default;
};

namespace detail {
template <class Standard>
class ErrorOf : public Error, public Standard {
 public:
  explicit ErrorOf(const std::string& message) : Standard(message) {}
  const char* what() const noexcept override { return Standard::what(); }
};
}  // namespace detail

/// A key is not in a dict, or an element not in a set.
struct KeyError : detail::ErrorOf<std::out_of_range> {
  using ErrorOf::ErrorOf;
};
/// An index is outside a list or an array.
struct IndexError : detail::ErrorOf<std::out_of_range> {
  using ErrorOf::ErrorOf;
};
/// An argument of the right type with an impossible value.
struct ValueError : detail::ErrorOf<std::invalid_argument> {
  using ErrorOf::ErrorOf;
};
/// An object was opened with other types than it was created with.
struct TypeError : detail::ErrorOf<std::invalid_argument> {
  using ErrorOf::ErrorOf;
};
/// A call that is not allowed at this point, such as a write to a shared object from inside modify().
struct UsageError : detail::ErrorOf<std::logic_error> {
  using ErrorOf::ErrorOf;
};
/// A queue had no item in the given time.
struct Empty : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A queue had no room in the given time.
struct Full : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A queue was shut down.
struct ShutDown : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// The other end of a connection is gone.
struct EOFError : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A wait reached its timeout.
struct TimeoutError : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// Nobody serves the address, or the segment found there cannot be used.
struct ConnectionError : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A party of a barrier died, timed out, or aborted it.
struct BrokenBarrierError : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// The manager process is dead; data operations go on, calls that need it do not.
struct ManagerLost : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// The manager was shut down in an orderly way.
struct ManagerShutdown : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A shared structure violates its own invariants.
struct Corrupt : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A process could not be started, or was used out of order.
struct ProcessError : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};
/// A pool worker died while it ran a task.
struct WorkerDied : detail::ErrorOf<std::runtime_error> {
  using ErrorOf::ErrorOf;
};

/// The segment cannot hold what was asked: its maximum is reached or the memory behind it is full. Nothing was changed.
class PARTAGE_API OutOfMemory : public Error, public std::bad_alloc {
 public:
  OutOfMemory(const std::string& reason, std::size_t limit, std::size_t used, std::size_t asked);
  const char* what() const noexcept override { return message_.what(); }
  std::size_t limit() const noexcept { return limit_; }  ///< bytes that may be committed at most
  std::size_t used() const noexcept { return used_; }    ///< bytes in blocks and their headers when the request came
  std::size_t asked() const noexcept { return asked_; }  ///< bytes asked for

 private:
  std::runtime_error message_;  // std::bad_alloc cannot carry a text; runtime_error copies without throwing
  std::size_t limit_, used_, asked_;
};

}  // namespace partage
