// The processes around this one: itself, its parent, its children.
//
//   std::cout << partage::current_process().name() << '\n';            // "MainProcess", "Process-1", ...
//   if (auto parent = partage::parent_process()) parent->join();       // until the parent ends
//   for (auto& child : partage::active_children()) child.terminate();
//
// A ProcessHandle is a small value; copies mean the same process. What can be done depends on whose process it is:
//                 name pid daemon is_alive   join sentinel   exitcode terminate kill
//   children            yes                       yes               yes
//   the parent          yes                       yes               no
//   itself              yes                       no                no
// "no" is a ProcessError. The parent is known to processes that Process started.
// Thread safety: full.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <partage/export.hpp>

namespace partage {

namespace engine::process {
struct Child;  // proxy/process/child.hpp
}

class PARTAGE_API ProcessHandle {
 public:
  std::string name() const;
  pid_t pid() const;
  bool daemon() const;
  bool is_alive() const;
  std::optional<int> exitcode() const;
  /// Waits for its end.
  void join() const;
  /// True: it has ended.
  template <class Rep, class Period>
  bool join(const std::chrono::duration<Rep, Period>& timeout) const {
    return join_within(std::chrono::duration<double>(timeout).count());
  }
  void terminate() const;
  void kill() const;
  /// Becomes readable when the process ends; as long as a handle of it, or its Process, is there.
  int sentinel() const;

  /// The same process.
  bool operator==(const ProcessHandle& other) const { return pid() == other.pid(); }

  enum class Whose { child, parent, itself };
  ProcessHandle(Whose whose, std::shared_ptr<engine::process::Child> child) noexcept
      : whose_(whose), child_(std::move(child)) {}

 private:
  bool join_within(double seconds) const;
  engine::process::Child& child_for(const char* operation) const;

  Whose whose_;
  std::shared_ptr<engine::process::Child> child_;
};

PARTAGE_API ProcessHandle current_process();
/// Empty in a process that no Process started.
PARTAGE_API std::optional<ProcessHandle> parent_process();
/// The children of this process that are running. Reaps those that have ended.
PARTAGE_API std::vector<ProcessHandle> active_children();
/// Processors of the machine.
PARTAGE_API int cpu_count();

}  // namespace partage
