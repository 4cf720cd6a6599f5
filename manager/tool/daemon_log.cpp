#include "manager/tool/daemon_log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <partage/log.hpp>

#include "manager/tool/failure.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error};

std::optional<LogLevel> level_of(const std::string& word) {
  for (const LogLevel level : levels) {
    if (word == name_of(level)) return level;
  }
  return std::nullopt;
}

spdlog::level::level_enum of_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

/// $JOURNAL_STREAM names the device and inode of the stream that systemd has made for us; ours may have been redirected since.
bool is_journal(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat s {};
  return stream != nullptr && ::fstat(fd, &s) == 0 &&
         std::to_string(s.st_dev) + ":" + std::to_string(s.st_ino) == stream;
}

std::shared_ptr<spdlog::logger> logger_to(const std::string& file) {
  if (file.empty())
    return std::make_shared<spdlog::logger>("partage", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  try {
    return std::make_shared<spdlog::logger>("partage", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
  } catch (const spdlog::spdlog_ex& error) {
    throw Failure{Exit::failed, std::string("partage: the log cannot be written: ") + error.what()};
  }
}

}  // namespace

bool is_log_level(const std::string& word) {
  return word == "off" || level_of(word).has_value();
}

void write_log(const std::string& level, const std::string& file) {
  const auto least = level_of(level);
  if (!least) return;
  const auto logger = logger_to(file);
  logger->set_pattern(file.empty() && is_journal(STDERR_FILENO) ? "%l: %v" : "%Y-%m-%d %H:%M:%S.%e partage[%P] %l: %v");
  logger->set_level(of_spdlog(*least));
  logger->flush_on(spdlog::level::trace);
  logger->set_error_handler(
      [](const std::string&) {});  // a full disk must not end the manager, nor be said where it is full
  set_log([logger](LogLevel l, std::string_view message) { logger->log(of_spdlog(l), harmless(std::string(message))); },
          *least);
}

}  // namespace partage::tool
