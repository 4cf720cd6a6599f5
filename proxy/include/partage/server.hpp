// Server: makes the calling program the manager, instead of a process that Manager starts. What `partage serve NAME`
// does.
//
//   int main() {
//     partage::Server server({.name = "hub"});
//     server.serve_forever();                                    // others: partage::Manager::connect("hub")
//   }
//
// Use it for a manager that a service supervisor looks after, or that lives in a program which is there anyway. Do not
// use it to share objects within one family of processes: Manager starts its own manager process.
//
// Ends by stop(), `partage stop NAME`, SIGINT and SIGTERM, never because clients go; then everything in it is gone. A
// Server whose process dies leaves everything as it is, and the next one of that name takes over.
//
// Differences to Python: get_server() is this constructor; stop() exists. The process is no client of its own: to use
// the objects, Manager::connect() in another thread.
// Not copyable. Thread safety: stop() and address() may be called by any thread, serve_forever() by one. Block SIGINT
// and SIGTERM in all other threads, so that they reach the one that serves.
// Errors: ValueError without a name; ConnectionError when somebody serves the name already (names the process), also
// from serve_forever() if another was faster; OutOfMemory.
#pragma once

#include <memory>
#include <string>

#include <partage/export.hpp>
#include <partage/manager_options.hpp>

namespace partage {

class PARTAGE_API Server {
 public:
  /// Takes over what a dead manager of that name left, or makes a new segment. Nobody can connect before
  /// serve_forever(). Of the options operation_timeout has no meaning here: it is each client's own.
  explicit Server(ManagerOptions options);
  Server(Server&& other) noexcept;
  Server& operator=(Server&& other) noexcept;
  ~Server();

  /// Serves until told to end. A second call throws ManagerShutdown.
  void serve_forever();
  /// Makes serve_forever() return. False: it is not serving.
  bool stop();
  /// For Manager::connect().
  std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace partage
