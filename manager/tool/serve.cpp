// serve: be the manager of a name until told to end.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <partage/error.hpp>
#include <thread>

#include "manager/registry/service.hpp"
#include "manager/server/control.hpp"
#include "manager/server/message_queues.hpp"
#include "manager/server/named.hpp"
#include "manager/tool/byte_size.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/process_facts.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/service_manager.hpp"
#include "manager/tool/shell_word.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

constexpr std::chrono::milliseconds between_tries{10};
constexpr std::chrono::milliseconds for_the_file{1000};

/// From the first moment on, so that an early Ctrl-C does not stop an adoption in the middle but the manager after it.
void hold_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);  // a snapshot beyond `ulimit -f` fails, and is reported, like one on a full disk
  // A closed terminal is a clean end too, unless nohup says otherwise.
  struct sigaction action {};
  if (sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
    action.sa_handler = [](int) { ::kill(::getpid(), SIGTERM); };
    action.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &action, nullptr);
  }
}

/// One descriptor for each client.
void allow_descriptors() {
  rlimit limit{};
  constexpr rlim_t enough = kernel::client_slots + 256;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = std::min(limit.rlim_max, enough);
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Nobody has to read it: that it cannot be written is no reason to end, or to end with an error.
void say(const std::string& sentence) {
  const std::string line = harmless(sentence) + '\n';
  (void)!::write(STDOUT_FILENO, line.data(), line.size());
}

[[noreturn]] void refuse_taken(const std::string& name, pid_t pid) {
  throw Failure{Exit::taken, "partage: '" + name + "' is served already, by process " + std::to_string(pid) +
                                 "; `partage stop " + shell_word(name) + "` ends it"};
}

std::shared_ptr<kernel::Segment> segment_of(const std::string& name, const kernel::Segment::Size& size) {
  try {
    return kernel::segment_to_serve(name, size);
  } catch (const ValueError& e) {  // a size that cannot be
    throw Failure{Exit::misused, static_cast<const Error&>(e).what()};
  } catch (const ConnectionError& e) {
    throw ConnectionError(naming(name, static_cast<const Error&>(e).what()));
  }
}

/// Into a segment that nobody has yet. What a killed manager left is newer than any file. Returns what is to be said of it.
std::string load_snapshot(const Snapshots& snapshots, const std::shared_ptr<kernel::Segment>& segment, bool adopted) {
  if (!snapshots.found()) return "";
  if (adopted) return "partage: took over what a killed manager left; '" + snapshots.file() + "' was not loaded";
  const std::size_t n = snapshots.load(segment);
  return "partage: loaded " + std::to_string(n) + (n == 1 ? " object" : " objects") + " from '" + snapshots.file() +
         '\'';
}

std::string not_kept(const std::string& name, const Snapshots& snapshots) {
  return "partage: '" + name + "' has ended without a last snapshot; '" + snapshots.file() +
         "', if it is there, is an older one";
}

/// Once more? What fails because the name is just changing hands (somebody adopts it, takes it away, has ended) does so
/// for moments; `tries` counts those in which nothing of that was to be seen any more.
bool serve_once(const std::string& name, const kernel::Segment::Size& size, Snapshots* snapshots, bool last_try,
                int& tries) {
  constexpr int most_tries = 3;
  bool served = false, outdated = false, kept = true;
  try {
    const auto segment = segment_of(name, size);
    const bool adopted = segment->header().manager_epoch.load() != 0;
    const std::string loaded = snapshots != nullptr ? load_snapshot(*snapshots, segment, adopted) : "";
    kernel::ServiceHooks hooks;
    hooks.ready = [&] {
      // The name may have become free because another manager has ended since the file was read, and has written it.
      outdated = snapshots != nullptr && !adopted && snapshots->is_outdated();
      if (outdated) return segment->shut_down();
      served = true;
      if (snapshots != nullptr) snapshots->begin(segment);
      if (!loaded.empty()) say(loaded);
      say("partage: process " + std::to_string(getpid()) + " serves '" + name + "'; Ctrl-C or `partage stop " +
          shell_word(name) + "` ends it");
      tell_service_manager("READY=1\nSTATUS=serving " + harmless(name));
    };
    hooks.ending = [&] {
      if (outdated) return;
      tell_service_manager("STOPPING=1");
      if (snapshots != nullptr) snapshots->prepare_end();
    };
    hooks.ended = [&] {
      if (snapshots != nullptr && !outdated) kept = snapshots->finish();
      return kept;
    };
    kernel::serve_named(*segment, hooks);
    if (!kept) throw Failure{Exit::failed, not_kept(name, *snapshots)};
    return outdated;
  } catch (const ManagerShutdown&) {  // what was to be adopted
    if (served || last_try) throw;
  } catch (const ConnectionError&) {
    const kernel::NamedState state = kernel::state_of(name);
    if (state.manager != 0 && state.manager != getpid()) refuse_taken(name, state.manager);
    if (served || last_try || (!state.changing && ++tries == most_tries)) throw;
  }
  return true;
}

/// Who was told to end, and has not begun to.
std::string unwilling(pid_t pid, const std::string& name) {
  const std::string process = "process " + std::to_string(pid) + ", which serves '" + name + "', ";
  return process_facts(pid).stopped()
             ? process + "is stopped, and will end as soon as it goes on (`kill -CONT " + std::to_string(pid) + "`)"
             : process + "does not end; it was told to, and will as soon as it can";
}

/// Who has begun to end, and is not done.
std::string lingering(pid_t pid, const std::string& name) {
  const std::string process = "process " + std::to_string(pid) + ", which has served '" + name + "', ";
  return process_facts(pid).stopped()
             ? process + "is stopped in the middle of its end; `kill -CONT " + std::to_string(pid) + "` lets it go on"
             : process + "is still writing its last snapshot; this waits for it";
}

}  // namespace

void serve(const std::string& given, const kernel::Segment::Size& size,
           const std::optional<SnapshotOptions>& snapshot_options) {
  const std::string name = name_in(given);
  if (kernel::is_message_queue_name(name)) {
    throw Failure{Exit::misused, "partage: '" + name + "' is a name for a message queue, which needs no manager; a " +
                                     "manager's does not begin with \"mq.\""};
  }
  if (size.max != 0 && size.initial > size.max) {
    throw Failure{Exit::misused, "partage: --initial-size is " + size_text(size.initial) + " and --max-size only " +
                                     size_text(size.max)};
  }
  hold_signals();
  allow_descriptors();
  const auto end = kernel::Clock::now() + patience;
  auto grace = kernel::Clock::now() + for_the_file;
  for (int tries = 0;; std::this_thread::sleep_for(between_tries)) {
    const kernel::NamedState state = kernel::state_of(name);
    if (state.manager != 0 && state.manager != getpid()) refuse_taken(name, state.manager);  // whatever FILE is
    const bool last_try = kernel::Clock::now() >= end;
    if (state.changing && !last_try) {
      grace = kernel::Clock::now() + for_the_file;
      continue;
    }
    // Read anew each time: a manager that was just ending has written it since.
    std::optional<Snapshots> snapshots;
    if (snapshot_options) snapshots.emplace(name, *snapshot_options);
    if (snapshots && !snapshots->owns_file()) {
      // The one of this name that is just beginning, or has just ended?
      if (kernel::Clock::now() < grace) continue;
      throw Failure{Exit::failed, "partage: another manager keeps what it holds in '" + snapshots->file() +
                                      "'; each needs a file of its own"};
    }
    if (!serve_once(name, size, snapshots ? &*snapshots : nullptr, last_try, tries)) break;
  }
}

void stop(const std::string& given) {
  const std::string name = name_in(given);
  const auto segment = look_at(name);
  if (segment->unmanaged()) {
    throw Failure{Exit::not_found, "partage: '" + name + "' is a message queue, and nobody serves it; `partage clean " +
                                       shell_word(name) + "` removes it"};
  }
  const pid_t pid = kernel::manager_pid(*segment);
  if (pid == 0) {
    throw Failure{Exit::not_found, "partage: nobody serves '" + name + "': its manager has died; `partage serve " +
                                       shell_word(name) +
                                       "` takes over what it left, `partage clean` removes what nobody uses"};
  }
  const auto end = kernel::Clock::now() + patience;
  const kernel::EndRequest request(*segment, patience);
  bool ended = request.wait(std::chrono::ceil<std::chrono::milliseconds>(end - kernel::Clock::now()));
  if (!ended && segment->live()) {
    throw Failure{Exit::failed, "partage: " + unwilling(pid, name) + "; `kill -9 " + std::to_string(pid) +
                                    "` ends it now, and its objects stay for the next one"};
  }
  if (!ended) {
    std::cerr << harmless("partage: " + lingering(pid, name)) << std::endl;
    while (!ended) ended = request.wait(std::chrono::seconds(1));
  }
  if (request.lost()) {
    throw Failure{Exit::failed, "partage: '" + name + "' has ended, but its last snapshot could not be written; what " +
                                    "process " + std::to_string(pid) + " has said tells why"};
  }
}

}  // namespace partage::tool
