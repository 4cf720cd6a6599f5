// wait: until one of several Connections has a message or has lost its other end, or one of several processes has ended.
//
//   for (const partage::Waitable& ready : partage::wait({results, commands, worker.sentinel()}, 1s)) {
//     if (ready == commands) ...
//   }
//
// What is waited for are Connections and sentinels, which are open descriptors that become readable. wait() returns those that
// are ready, in the order in which they were given, and none of them after the timeout. Signals do not end it.
//
// Write partage::wait, also after `using namespace partage`: POSIX has a wait(), too, which takes `{}` and `{0}`.
// Thread and process safety: full. Errors: ValueError for a closed Connection or descriptor, for one that is given twice, and
// for nothing to wait for without a timeout (Python waits for ever).
#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <ostream>
#include <ranges>
#include <utility>
#include <vector>

#include <partage/connection.hpp>
#include <partage/engine/deadline.hpp>
#include <partage/export.hpp>

namespace partage {

class PARTAGE_API Waitable {
 public:
  Waitable(Connection connection) noexcept : connection_(std::move(connection)) {}
  Waitable(int sentinel) noexcept : sentinel_(sentinel) {}

  /// nullptr: it is a sentinel.
  const Connection* connection() const noexcept { return connection_ ? &*connection_ : nullptr; }
  /// The descriptor.
  int fileno() const { return connection_ ? connection_->fileno() : sentinel_; }

  friend bool operator==(const Waitable&, const Waitable&) = default;
  friend PARTAGE_API std::ostream& operator<<(std::ostream& out, const Waitable& waitable);

 private:
  std::optional<Connection> connection_;
  int sentinel_ = -1;
};

namespace detail {
PARTAGE_API std::vector<Waitable> wait_until(const std::vector<Waitable>& waitables, const engine::Deadline& deadline);

template <class R>
concept Waitables =
    std::ranges::input_range<const R> && std::convertible_to<std::ranges::range_reference_t<const R>, Waitable>;
}  // namespace detail

inline std::vector<Waitable> wait(const std::vector<Waitable>& waitables) {
  return detail::wait_until(waitables, std::nullopt);
}
/// A negative timeout is none.
template <class Rep, class Period>
std::vector<Waitable> wait(const std::vector<Waitable>& waitables, const std::chrono::duration<Rep, Period>& timeout) {
  return detail::wait_until(waitables, engine::deadline_in(timeout));
}
/// Of any range, such as a std::vector<Connection>.
template <detail::Waitables R>
std::vector<Waitable> wait(const R& waitables) {
  return wait(std::vector<Waitable>(std::ranges::begin(waitables), std::ranges::end(waitables)));
}
template <detail::Waitables R, class Rep, class Period>
std::vector<Waitable> wait(const R& waitables, const std::chrono::duration<Rep, Period>& timeout) {
  return wait(std::vector<Waitable>(std::ranges::begin(waitables), std::ranges::end(waitables)), timeout);
}

}  // namespace partage
