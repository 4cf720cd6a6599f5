#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <partage/engine/channel.hpp>
#include <partage/error.hpp>
#include <string>

namespace partage::engine {

bool poll_descriptors(std::span<const int> descriptors, std::vector<bool>& ready, const Deadline& deadline,
                      const char* operation) {
  std::vector<pollfd> entries;
  entries.reserve(descriptors.size());
  for (const int fd : descriptors) entries.push_back({fd, POLLIN, 0});
  int n = 0;
  do {
    timespec time{};
    if (deadline && *deadline != std::chrono::steady_clock::time_point::min()) {
      using namespace std::chrono;
      const auto left = std::max(nanoseconds(0), ceil<nanoseconds>(*deadline - steady_clock::now())).count();
      time.tv_sec = static_cast<time_t>(left / 1'000'000'000);
      time.tv_nsec = static_cast<long>(left % 1'000'000'000);
    }
    n = ::ppoll(entries.data(), entries.size(), deadline ? &time : nullptr, nullptr);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    throw ConnectionError(std::string("partage: ") + operation + ": " + std::strerror(errno) +
                          "; wait for fewer at a time, or raise the limit (ulimit -n)");
  }
  ready.assign(descriptors.size(), false);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if ((entries[i].revents & POLLNVAL) != 0) {
      throw ValueError(std::string("partage: ") + operation + ": " + std::to_string(entries[i].fd) +
                       " is no open descriptor of this process");
    }
    ready[i] = entries[i].revents != 0;
  }
  return n > 0;
}

}  // namespace partage::engine
