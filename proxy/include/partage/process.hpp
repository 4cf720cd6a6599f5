// Process: a function that runs in a process of its own.
//
//   partage::Process worker([=] { numbers.append(4); });                       // handles travel by copy
//   partage::Process other(partage::ProcessOptions{.name = "sums", .daemon = true}, add_up, numbers, 10);
//   worker.start();
//   worker.join();                                                             // worker.exitcode() == 0
//   struct Reader : partage::Process { void run() override { ... } };          // or derive
//
// The function and its arguments are copied when the Process is made, and called in the child as by std::thread: the
// child's changes to ordinary variables are its own, those to shared objects are everybody's. What the function returns
// is ignored. The child ends with exit code 0; with 1 and "Process NAME: what()" on stderr after an exception; with the
// code of std::exit(). All three are orderly: what the child registered with atexit runs, its own children are joined,
// its output is flushed, its shared objects are given up. Destructors of static objects and exit handlers of the parent
// do not run in it, and its standard input is /dev/null, both as in Python.
//
// Start methods (start_method.hpp): by default the child is forked from this process. With spawn and forkserver it runs
// the program anew, and what it calls travels: a function or a lambda without captures by its place in the program, a
// derived class by PARTAGE_PROCESS, arguments as elements of a list do, handles and Connections included.
//
// A Process that is destroyed leaves its child running. Children are joined when this process ends in an orderly way,
// daemonic ones are ended (SIGTERM, and SIGKILL for those that are still there a second later). A daemonic child ends
// also when this process dies, at once, and may have no children. None stays a zombie: join(), is_alive(), exitcode()
// and every later start() reap, always by pid, never the children of others. If the program ignores SIGCHLD or waits for
// its children by itself, their exit code may be lost and is given as 255.
//
// Fork: output buffers are flushed before it, so nothing is printed twice. Only the starting thread exists in the
// child; locks that other threads held at that moment stay locked in it, as after any fork of a program with threads. A
// child's copy of a Process of its parent can only tell its name; the rest throws ProcessError, but for is_alive() and
// pid() of the child itself.
//
// Movable, not copyable. Thread safety: every member may be called by several threads at once, also while one of them
// waits in join(); moving, destroying and close() may not.
// Errors: ProcessError when something is done out of order, the system refuses another process, or the child cannot be
// given what it is to call; ValueError after close().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <partage/engine/task.hpp>
#include <partage/export.hpp>
#include <partage/process_handle.hpp>
#include <partage/start_method.hpp>

namespace partage {

class Process;

struct ProcessOptions {
  /// Empty: "Process-1", "Process-2"...; of children of the second: "Process-2:1"...
  std::string name{};
  /// Ends with this process, however that ends.
  bool daemon = false;
  /// Absent: that of set_start_method().
  std::optional<StartMethod> start_method{};
};

namespace engine::process {

/// The first argument of a Process, if it is neither options nor a Process to be moved.
template <class Fn>
concept Function =
    !std::is_base_of_v<Process, std::remove_cvref_t<Fn>> && !std::is_same_v<ProcessOptions, std::remove_cvref_t<Fn>>;

PARTAGE_API std::shared_ptr<Child> make_child(ProcessOptions options, std::unique_ptr<Task> task);
struct ProcessAccess;

}  // namespace engine::process

class PARTAGE_API Process {
 public:
  /// Runs nothing, unless run() is overridden.
  Process();
  explicit Process(ProcessOptions options);
  template <engine::process::Function Fn, class... Args>
  explicit Process(Fn&& fn, Args&&... args)
      : Process(engine::process::make_child(
            {}, engine::process::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...))) {}
  template <class Fn, class... Args>
  explicit Process(ProcessOptions options, Fn&& fn, Args&&... args)
      : Process(engine::process::make_child(
            std::move(options), engine::process::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...))) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  virtual ~Process();

  /// Starts the child. Once, and only in the process that made this object.
  void start();
  /// What the child does: calls the function.
  virtual void run();

  /// Waits for the end of the child.
  void join();
  /// True: it has ended. Waits for `timeout` at most; not at all if it is negative.
  template <class Rep, class Period>
  bool join(const std::chrono::duration<Rep, Period>& timeout) {
    return join_within(std::chrono::duration<double>(timeout).count());
  }
  bool is_alive() const;
  /// Of the child, also after its end; 0 before start(), so signal it with terminate() and kill() rather than ::kill().
  pid_t pid() const;
  /// 0 to 255, or -N if signal N ended the child. Empty before its end.
  std::optional<int> exitcode() const;
  /// Sends SIGTERM, which by default ends the child there and then, and not in an orderly way. After its end: no
  /// effect.
  void terminate();
  /// Sends SIGKILL.
  void kill();
  /// Sends SIGINT.
  void interrupt();
  /// Gives back what the object still holds of the system, after the end of the child: ValueError before. Afterwards
  /// everything but name(), daemon() and close() throws ValueError.
  void close();

  std::string name() const;
  bool daemon() const;
  /// A descriptor that becomes readable when the child ends, for wait() and poll(2); valid until close() and as long as
  /// this object. Do not read from it.
  int sentinel() const;

 private:
  friend struct engine::process::ProcessAccess;
  explicit Process(std::shared_ptr<engine::process::Child> child) noexcept;
  bool join_within(double seconds);
  engine::process::Child& child(const char* operation) const;

  std::shared_ptr<engine::process::Child> child_;  // nullptr: moved away
};

}  // namespace partage
