#include <partage/wait.hpp>

#include <algorithm>
#include <string>

namespace partage {

std::ostream& operator<<(std::ostream& out, const Waitable& waitable) {
  if (const Connection* connection = waitable.connection()) return out << *connection;
  return out << waitable.fileno();
}

std::vector<Waitable> detail::wait_until(const std::vector<Waitable>& waitables, const engine::Deadline& deadline) {
  if (waitables.empty() && !deadline) {
    throw ValueError("partage: wait: nothing to wait for, and no timeout; that would never end");
  }
  std::vector<engine::SharedDescriptor> open;  // none is closed by another thread, and its number reused, meanwhile
  std::vector<int> descriptors;
  for (const Waitable& waitable : waitables) {
    if (const Connection* connection = waitable.connection()) open.push_back(connection->keep_open("wait"));
    descriptors.push_back(waitable.connection() != nullptr ? open.back()->fd() : waitable.fileno());
  }
  std::vector<int> sorted = descriptors;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    throw ValueError("partage: wait: descriptor " + std::to_string(*twice) + " was given twice; give each once");
  }
  if (!sorted.empty() && sorted.front() < 0) {
    throw ValueError("partage: wait: " + std::to_string(sorted.front()) + " is no descriptor");
  }
  std::vector<bool> ready;
  std::vector<Waitable> result;
  engine::poll_descriptors(descriptors, ready, deadline, "wait");
  for (std::size_t i = 0; i < waitables.size(); ++i) {
    if (ready[i]) result.push_back(waitables[i]);
  }
  return result;
}

}  // namespace partage
