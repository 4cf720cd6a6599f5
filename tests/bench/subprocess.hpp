// A program that this one starts, talks to line by line, and ends. It dies with this one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// Where it is in PATH; nullopt: nowhere.
std::optional<std::string> program_in_path(const std::string& name);

class Subprocess {
 public:
  enum class Output { lines, none };
  Subprocess(const std::vector<std::string>& command, Output output);
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  /// Closes its input, waits a little for its end, then kills it.
  ~Subprocess();

  void write_line(const std::string& line);
  /// Throws std::runtime_error when it ends, or says nothing for so long.
  std::string read_line(std::chrono::seconds patience);
  bool is_running();

 private:
  pid_t pid_ = 0;
  int input_ = -1, output_ = -1;
  std::string unread_;
};

}  // namespace bench
