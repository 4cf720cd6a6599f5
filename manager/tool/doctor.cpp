// doctor: collects what can be seen of this machine and its managers, and says what is wrong with them.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <partage/error.hpp>
#include <thread>

#include "manager/registry/service.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/diagnosis.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

constexpr std::chrono::milliseconds between_looks{300};

bool is_a_directory(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_directory(std::filesystem::symlink_status(path, error));
}

struct Opened {
  ManagerFacts facts;
  std::shared_ptr<kernel::Segment> segment;  // nullptr: it could not be opened
};

/// nullopt: it has gone.
std::optional<Opened> open(const std::string& name, bool was_named) {
  Opened opened;
  opened.facts.name = name;
  try {
    opened.segment = look_at_file(name);
    opened.facts.before = watch(*opened.segment);
  } catch (const Failure&) {
    if (was_named) throw;
    return std::nullopt;
  } catch (const Error& e) {
    opened.segment = nullptr;
    opened.facts.error = e.what();
    opened.facts.directory = is_a_directory(kernel::path_of(name));
  }
  return opened;
}

/// False: it has gone since.
bool look_again(Opened& opened) {
  ManagerFacts& facts = opened.facts;
  if (opened.segment == nullptr) return true;
  try {
    if (!opened.segment->object().is_published_as(facts.name)) return false;
    facts.service = service_of(*opened.segment);
    facts.manager = process_facts(kernel::manager_pid(*opened.segment));
    facts.now = watch(*opened.segment);
  } catch (const Error& e) {
    facts.error = e.what();
  }
  return true;
}

Store shared_memory() {
  struct statvfs fs {};
  const std::string directory = std::filesystem::path(kernel::path_of("x")).parent_path();
  if (::statvfs(directory.c_str(), &fs) != 0) return {};
  const std::uint64_t unit = fs.f_frsize;
  return {(fs.f_blocks - fs.f_bfree) * unit, fs.f_blocks * unit};
}

std::uint64_t number_in(const std::string& file) {
  std::uint64_t number = 0;
  std::ifstream in(file);
  return in >> number ? number : 0;  // "max" is no limit
}

/// Of the control groups around this process (version 2), the one that is nearest to its limit. Files that the kernel
/// can throw away are not counted as used.
Store control_group() {
  std::ifstream groups("/proc/self/cgroup");
  Store tightest;
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::filesystem::path path = line.substr(3);; path = path.parent_path()) {
      const std::string directory = "/sys/fs/cgroup" + path.string();
      Store here{number_in(directory + "/memory.current"), number_in(directory + "/memory.max")};
      std::ifstream stat(directory + "/memory.stat");
      std::string word;
      for (std::uint64_t bytes = 0; stat >> word >> bytes;) {
        if (word == "inactive_file" || word == "active_file") here.used -= std::min(here.used, bytes);
      }
      const auto free = [](const Store& store) { return store.size - std::min(store.used, store.size); };
      if (here.size != 0 && (tightest.size == 0 || free(here) < free(tightest))) tightest = here;
      if (path == path.parent_path()) break;
    }
  }
  return tightest;
}

/// Names that begin as ours do and are not those of segments.
std::vector<Litter> litter() {
  const std::filesystem::path pattern = kernel::path_of("x");
  const std::string ours = pattern.stem().string();
  std::vector<Litter> all;
  std::error_code error;
  for (std::filesystem::directory_iterator at(pattern.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().filename().string();
    if (file.starts_with(ours) && (file.size() <= ours.size() + 1 || file[ours.size()] != '.'))
      all.push_back({file, is_a_directory(at->path())});
  }
  std::ranges::sort(all, {}, &Litter::file);
  return all;
}

/// What another user runs is that user's affair.
bool is_ours(const std::string& name) {
  struct stat file {};
  return ::stat(kernel::path_of(name).c_str(), &file) != 0 || file.st_uid == ::geteuid();
}

MachineFacts collect(const std::vector<std::string>& names, bool was_named, double long_wait) {
  MachineFacts facts;
  facts.long_wait = long_wait;
  std::vector<Opened> opened;
  for (const std::string& name : names) {
    if (!was_named && !is_ours(name)) continue;
    if (auto one = open(name, was_named)) opened.push_back(std::move(*one));
  }
  if (!opened.empty()) std::this_thread::sleep_for(between_looks);
  for (Opened& one : opened) {
    if (look_again(one)) facts.managers.push_back(std::move(one.facts));
  }
  facts.shared_memory = shared_memory();
  facts.memory = control_group();
  if (!was_named) facts.litter = litter();
  return facts;
}

}  // namespace

void doctor(const std::optional<std::string>& given, double long_wait, bool as_json) {
  const auto names = given ? std::vector{name_in(*given)} : published_names();
  const auto found = diagnose(collect(names, given.has_value(), long_wait));
  if (as_json) {
    boost::json::array out;
    for (const Diagnosis& f : found) {
      out.push_back(boost::json::object{{"kind", f.kind},
                                        {"manager", schema::name_or_null(f.manager)},
                                        {"problem", harmless(f.problem)},
                                        {"advice", harmless(f.advice)}});
    }
    std::cout << schema::compact(out) << '\n';
  } else if (found.empty()) {
    std::cout << "Nothing is wrong.\n";
  } else {
    for (const Diagnosis& f : found) {
      if (!f.manager.empty()) std::cout << harmless(f.manager) << ": ";
      std::cout << harmless(f.problem) << ' ' << harmless(f.advice) << '\n';
    }
  }
  if (!found.empty()) {
    throw Failure{Exit::failed, "partage: " + std::to_string(found.size()) +
                                    (found.size() == 1 ? " thing is" : " things are") + " wrong"};
  }
}

}  // namespace partage::tool
