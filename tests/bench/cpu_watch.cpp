#include "tests/bench/cpu_watch.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>

namespace bench {
namespace {

double seconds_of_ticks(double ticks) {
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// User, nice, system, interrupts and what the hypervisor gave to others.
double busy_ticks() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  return user + nice + system + irq + softirq + steal;
}

struct ProcessTimes {
  pid_t parent = 0;
  double ticks = 0;  // its own and those of its children that it has waited for
};

/// The fields of /proc/PID/stat behind the name, which may hold spaces: state ppid ... (14) utime stime cutime cstime.
ProcessTimes times_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  ProcessTimes times;
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return times;  // it has ended
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  fields >> skipped >> times.parent;
  for (int i = 5; i < 14; ++i) fields >> skipped;
  double utime = 0, stime = 0, cutime = 0, cstime = 0;
  fields >> utime >> stime >> cutime >> cstime;
  times.ticks = utime + stime + cutime + cstime;
  return times;
}

double descendants_ticks() {
  std::unordered_map<pid_t, ProcessTimes> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return 0;
  while (const dirent* entry = ::readdir(proc.get())) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid > 0) all[pid] = times_of(entry->d_name);
  }
  const auto is_descendant = [&](pid_t pid) {
    for (int depth = 0; pid > 1 && depth < 64; ++depth) {
      const auto found = all.find(pid);
      if (found == all.end()) return false;
      pid = found->second.parent;
      if (pid == ::getpid()) return true;
    }
    return false;
  };
  double ticks = 0;
  for (const auto& [pid, times] : all) {
    if (is_descendant(pid)) ticks += times.ticks;
  }
  return ticks;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double used(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

CpuWatch::CpuWatch() : begin_(read()), since_(std::chrono::steady_clock::now()) {}

CpuWatch::Reading CpuWatch::read() {
  return {seconds_of_ticks(busy_ticks()),
          used(RUSAGE_SELF) + used(RUSAGE_CHILDREN) + seconds_of_ticks(descendants_ticks())};
}

double CpuWatch::foreign_share() const {
  const Reading end = read();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count();
  const double all = wall * static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  return std::clamp((end.busy - begin_.busy - (end.own - begin_.own)) / all, 0.0, 1.0);
}

}  // namespace bench
