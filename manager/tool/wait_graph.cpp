#include "manager/tool/wait_graph.hpp"

#include <algorithm>
#include <set>

namespace partage::tool {
namespace {

using Waits = std::vector<BlockedThread>;
using Threads = std::map<pid_t, std::size_t>;

std::size_t threads_of(const Threads& threads, pid_t pid) {
  const auto it = threads.find(pid);
  return it == threads.end() ? 1 : it->second;
}

/// The wait is one of somebody who could release what `holder` has.
bool is_of(const BlockedThread& wait, const LockHolder& holder) {
  return wait.pid == holder.pid && (holder.thread == 0 || wait.thread == 0 || wait.thread == holder.thread);
}

bool is_asleep(const Waits& waits, const std::vector<bool>& stuck, const LockHolder& holder, const Threads& threads) {
  std::size_t asleep = 0;
  for (std::size_t i = 0; i < waits.size(); ++i) asleep += stuck[i] && is_of(waits[i], holder);
  return asleep >= (holder.thread != 0 ? 1 : threads_of(threads, holder.pid));
}

/// Which of the waits nobody ends.
std::vector<bool> stuck_waits(const Waits& waits, const Threads& threads) {
  std::vector<bool> stuck;
  for (const BlockedThread& wait : waits) stuck.push_back(!wait.timed && !wait.holders.empty());
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (!stuck[i]) continue;
      const auto asleep = [&](const LockHolder& holder) { return is_asleep(waits, stuck, holder, threads); };
      if (std::ranges::all_of(waits[i].holders, asleep)) continue;
      stuck[i] = false;
      changed = true;
    }
  }
  return stuck;
}

/// A stuck wait of who holds what wait `i` is for.
std::size_t next_of(const Waits& waits, const std::vector<bool>& stuck, std::size_t i) {
  for (const LockHolder& holder : waits[i].holders) {
    for (std::size_t k = 0; k < waits.size(); ++k) {
      if (stuck[k] && is_of(waits[k], holder)) return k;
    }
  }
  return waits.size();
}

std::string process(pid_t pid) {
  return "process " + std::to_string(pid);
}

}  // namespace

std::vector<Deadlock> deadlocks(const Waits& waits, const Threads& threads) {
  const std::vector<bool> suspected = stuck_waits(waits, {}), certain = stuck_waits(waits, threads);
  std::vector<Deadlock> found;
  std::vector<bool> seen(waits.size(), false);
  for (std::size_t first = 0; first < waits.size(); ++first) {
    if (!suspected[first] || seen[first]) continue;
    std::vector<std::size_t> path;
    std::size_t at = first;
    while (at < waits.size() && !seen[at]) {
      seen[at] = true;
      path.push_back(at);
      at = next_of(waits, suspected, at);
    }
    const auto begin = std::ranges::find(path, at);
    if (begin == path.end()) continue;  // it leads into a circle that is known already
    Deadlock deadlock{{begin, path.end()}, true, {}};
    std::set<pid_t> awake;
    for (const std::size_t i : deadlock.circle) {
      deadlock.certain = deadlock.certain && certain[i];
      std::size_t asleep = 0;
      for (std::size_t k = 0; k < waits.size(); ++k) asleep += suspected[k] && waits[k].pid == waits[i].pid;
      if (asleep < threads_of(threads, waits[i].pid)) awake.insert(waits[i].pid);
    }
    if (!deadlock.certain) deadlock.awake.assign(awake.begin(), awake.end());
    found.push_back(std::move(deadlock));
  }
  return found;
}

std::string sentence_for(const Deadlock& deadlock, const Waits& waits) {
  const auto& circle = deadlock.circle;
  std::string text = deadlock.certain ? "Deadlock: " : "Perhaps a deadlock: ";
  for (std::size_t i = 0; i < circle.size(); ++i) {
    const BlockedThread& wait = waits[circle[i]];
    const pid_t holder = waits[circle[(i + 1) % circle.size()]].pid;
    if (i != 0) text += ", and ";
    text += process(wait.pid) + " waits for " + wait.object + ", which ";
    text += holder == wait.pid ? "it holds itself" : process(holder) + " holds";
  }
  for (std::size_t i = 0; i < deadlock.awake.size(); ++i) {
    text += (i == 0 ? ", unless another thread of " : " or of ") + process(deadlock.awake[i]);
    if (i + 1 == deadlock.awake.size()) text += " releases it";
  }
  return text + ".";
}

}  // namespace partage::tool
