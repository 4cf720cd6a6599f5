#include "manager/tool/process_facts.hpp"

#include <fstream>
#include <sstream>

namespace partage::tool {

ProcessFacts process_facts(pid_t pid) {
  ProcessFacts facts;
  facts.pid = pid;
  if (pid <= 0) return facts;
  const std::string directory = "/proc/" + std::to_string(pid);
  std::ifstream status(directory + "/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line.substr(line.find(':') + 1));
    if (line.starts_with("Name:")) words >> std::ws, std::getline(words, facts.name);
    if (line.starts_with("State:")) words >> facts.state;
    if (line.starts_with("Tgid:")) words >> facts.process;
    if (line.starts_with("Threads:")) words >> facts.threads;
  }
  std::ifstream stat(directory + "/stat");
  std::string text;
  std::getline(stat, text);
  if (const auto name_end = text.rfind(')'); name_end != text.npos) {  // the name may contain anything
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    std::uint64_t user = 0, system = 0;
    if (fields >> user >> system) facts.cpu_ticks = user + system;
  }
  return facts;
}

const char* word_for_state(char state) noexcept {
  switch (state) {
    case 'R':
      return "running";
    case 'S':
    case 'I':
      return "sleeping";
    case 'D':
      return "in the kernel";
    case 'T':
      return "stopped";
    case 't':
      return "in a debugger";
    case 'Z':
    case 'X':
      return "dead";
    default:
      return "unknown";
  }
}

}  // namespace partage::tool
