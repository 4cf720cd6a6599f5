#include "manager/tool/diagnosis.hpp"

#include <algorithm>
#include <set>

#include "manager/registry/hosted.hpp"
#include "manager/tool/byte_size.hpp"
#include "manager/tool/duration.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/shell_word.hpp"

namespace partage::tool {
namespace {

constexpr double nearly = 0.9;

bool is_nearly_used_up(const Store& store) {
  return store.size != 0 && static_cast<double>(store.used) > nearly * static_cast<double>(store.size);
}

std::string amounts(const Store& store) {
  return size_text(store.used) + " of " + size_text(store.size);
}

std::string count_of(std::size_t n, const std::string& what, const std::string& plural) {
  return n == 1 ? "1 " + what : std::to_string(n) + ' ' + plural;
}

/// What can be done about a process that others wait for.
std::string go_on_or_die(pid_t pid) {
  const std::string number = std::to_string(pid);
  return "`kill -CONT " + number + "` lets it go on; `kill -9 " + number +
         "` ends it, and what it was doing is undone or finished.";
}

/// What can be done about one that is at work all the time.
std::string long_or_die(pid_t pid) {
  return "It may be in the function of a modify(), which should be short, or lack a CPU; `kill -9 " +
         std::to_string(pid) + "` ends it.";
}

/// What can be done about what lies in /dev/shm.
std::string removal(const std::string& path, bool directory) {
  return std::string("If no program needs it, `rm ") + (directory ? "-r " : "") + shell_word(path) + "` removes it.";
}

class ManagerDiagnoses {
 public:
  ManagerDiagnoses(const ManagerFacts& facts, double long_wait, std::vector<Diagnosis>& out)
      : facts_(facts), now_(facts.now), long_wait_(long_wait), out_(out) {}

  void find() {
    if (!facts_.error.empty()) {
      return add("unreadable",
                 "/dev/shm/partage." + facts_.name + " cannot be looked at: " + without_prefix(facts_.error) + '.',
                 removal("/dev/shm/partage." + facts_.name, facts_.directory));
    }
    deadlocked();
    stopped_manager();
    internal_locks();
    stopped_holders();
    left_locked();
    long_waits();
    service();
    dead_clients();
    quarantined();
    nearly_full();
  }

 private:
  void add(const char* kind, std::string problem, std::string advice) {
    out_.push_back({kind, facts_.name, std::move(problem), std::move(advice)});
  }
  std::string called(pid_t pid) const {
    const ProcessFacts& facts = now_.process(pid);
    return "Process " + std::to_string(pid) + (facts.exists() ? " (" + facts.name + ')' : "");
  }
  std::size_t waiters_for(ObjectRef ref) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(now_.seen.waits, [&](const kernel::SeenWait& w) { return w.object == ref; }));
  }

  void deadlocked() {
    const auto blocked = now_.blocked();
    for (const Deadlock& deadlock : deadlocks(blocked, now_.threads())) {
      in_circle_.insert(deadlock.circle.begin(), deadlock.circle.end());
      add("deadlock", sentence_for(deadlock, blocked),
          "End one of them, and the others go on; take locks in the same order everywhere, and it does not happen "
          "again.");
    }
  }

  void stopped_manager() {
    if (facts_.service != Service::serving || !facts_.manager.stopped()) return;
    add("stopped_manager",
        "The manager of '" + facts_.name + "', process " + std::to_string(facts_.manager.pid) +
            ", is stopped: nobody clears up after processes that die, and nobody new can connect.",
        go_on_or_die(facts_.manager.pid));
  }

  void internal_locks() {
    for (const kernel::SeenInternal& lock : now_.seen.internals) {
      const auto same = [&](const kernel::SeenInternal& l) {
        return l.at == lock.at && l.thread == lock.thread && l.dead == lock.dead && l.seq == lock.seq;
      };
      if (std::ranges::none_of(facts_.before.seen.internals, same)) continue;
      const std::string what = now_.name_of(lock);
      if (lock.dead) {
        add("dead_owner", "A process died while it held " + what + ", and nobody has needed it since.",
            "Nothing has to be done: the next one to use it repairs it.");
        continue;
      }
      const ProcessFacts& holder = now_.process(lock.thread);
      std::string problem = called(holder.process);
      problem += holder.stopped() ? " is stopped in the middle of an operation and holds "
                                  : " does not get on with an operation and holds ";
      problem += what;
      problem += "; nobody else can use it until it goes on.";
      add(holder.stopped() ? "stopped_holder" : "slow_holder", problem,
          holder.stopped() ? go_on_or_die(holder.process) : long_or_die(holder.process));
      by_internal_.insert(lock.object);
    }
  }

  void stopped_holders() {
    for (const kernel::SeenObject& object : now_.seen.objects) {
      for (const kernel::SeenHolder& holder : object.holders) {
        if (holder.pid == 0 || !now_.process(holder.pid).stopped()) continue;
        const std::size_t waiters = waiters_for(object.ref);
        add("stopped_holder",
            called(holder.pid) + " is stopped and holds " + (object.permits ? "a permit of " : "") +
                now_.name_of(object.ref) +
                (waiters == 0 ? "." : ", for which " + count_of(waiters, "thread waits", "threads wait") + '.'),
            go_on_or_die(holder.pid));
      }
    }
  }

  /// Of processes that have ended without releasing, in an orderly way: that keeps a lock taken, as in Python.
  void left_locked() {
    for (const kernel::SeenObject& object : now_.seen.objects) {
      const std::size_t waiters = waiters_for(object.ref);
      const auto left = [](const kernel::SeenHolder& h) { return h.pid == 0; };
      if (waiters == 0 || !std::ranges::any_of(object.holders, left)) continue;
      add("left_locked",
          "A process has ended without releasing " + now_.name_of(object.ref) + ", for which " +
              count_of(waiters, "thread waits", "threads wait") + '.',
          object.kind == kernel::ObjectKind::rlock ? "Only its holder could release an rlock: use another one."
                                                   : "release() from any process lets them go on.");
    }
  }

  /// Of those that should be short: for a lock, a permit, room. Who waits for an item or an event has nothing to do.
  void long_waits() {
    for (std::size_t i = 0; i < now_.seen.waits.size(); ++i) {
      const kernel::SeenWait& wait = now_.seen.waits[i];
      const std::string reason = wait.reason;
      const kernel::SeenObject* object = now_.seen.find(wait.object);
      const bool for_holder =
          reason.empty() && object != nullptr && !object->holders.empty() && object->holders[0].pid != 0;
      if (!for_holder && reason != "room" && reason != "internal lock") continue;
      if (in_circle_.contains(i) || by_internal_.contains(wait.object) || now_.seconds_since(wait) < long_wait_)
        continue;
      std::string text = called(wait.pid) + " has waited " + duration_text(now_.seconds_since(wait)) + " for " +
                         (reason == "room" ? "room in " : "") +
                         (wait.object == 0 ? "a lock of the segment" : now_.name_of(wait.object));
      std::string advice = "Nobody takes items out of it fast enough; see whether its consumers still run.";
      if (for_holder) {
        const pid_t holder = object->holders.front().pid;
        text += object->permits ? ", whose permits are taken by " : ", which is held by ";
        text += object->holders.size() == 1 ? "process " + std::to_string(holder)
                                            : count_of(object->holders.size(), "process", "processes");
        advice = "See what process " + std::to_string(holder) + " is doing; when it ends, what it holds is free.";
      } else if (reason != "room") {
        advice = "`partage locks " + shell_word(facts_.name) + "` shows who has it.";
      }
      add("long_wait", text + '.', advice);
    }
  }

  void service() {
    const std::string name = '\'' + facts_.name + '\'';
    const std::string serve = "`partage serve " + shell_word(facts_.name) + "` takes it over with all its objects";
    if (facts_.service == Service::orphaned) {
      add("orphaned",
          "The manager of " + name + " has died; " +
              count_of(processes(), "process still works", "processes still work") +
              " with its objects, but nothing new can be made there.",
          serve + '.');
    } else if (facts_.service == Service::abandoned) {
      add("abandoned", "The manager of " + name + " and everybody who used it have died; its objects are still there.",
          serve + "; `partage clean " + shell_word(facts_.name) + "` removes it.");
    } else if (facts_.service == Service::ended) {
      add("ended", "The manager " + name + " has ended, but its name was left behind.",
          "`partage clean " + shell_word(facts_.name) + "` removes it.");
    }
  }
  std::size_t processes() const {
    return static_cast<std::size_t>(std::ranges::count_if(now_.seen.clients, [](const kernel::SeenClient& c) {
      return c.state == kernel::ClientState::live && !c.dead;
    }));
  }

  /// Whom nobody has cleared up after since the first look.
  void dead_clients() {
    std::vector<pid_t> dead;
    for (const kernel::SeenClient& client : now_.seen.clients) {
      const auto same = [&](const kernel::SeenClient& c) { return c.id == client.id && c.dead; };
      if (client.dead && client.process.pid != 0 && std::ranges::any_of(facts_.before.seen.clients, same)) {
        dead.push_back(client.process.pid);
      }
    }
    if (dead.empty() || facts_.service == Service::abandoned || facts_.service == Service::ended) return;
    std::string pids;
    for (const pid_t pid : dead) pids += (pids.empty() ? "" : ", ") + std::to_string(pid);
    const bool served = facts_.service == Service::serving;
    add("dead_clients",
        (dead.size() == 1 ? "Process " + pids + " has died, and what it held"
                          : "Processes " + pids + " have died, and what they held") +
            " in '" + facts_.name + "' has not been given back yet.",
        served ? "Its manager does that, process " + std::to_string(facts_.manager.pid) + "; see why it does not run."
        : facts_.service == Service::queue ? "Nothing has to be done: the next one to open the queue does that."
                                           : "`partage serve " + shell_word(facts_.name) +
                                                 "` does that; locks they held are free for whoever wants them.");
  }

  void quarantined() {
    for (const kernel::SeenObject& object : now_.seen.objects) {
      if (!object.quarantined) continue;
      add("quarantined", "The " + now_.name_of(object.ref) + " was found damaged, and is out of use.",
          "Some process has written where it must not. Take what is left with `partage dump` once " +
              (object.name.empty() ? "what holds it is deleted"
                                   : "`partage del " + shell_word(facts_.name) + ' ' + shell_word(object.name) +
                                         "` has removed its name") +
              ", and start the manager anew.");
    }
  }

  void nearly_full() {
    const Store segment{now_.seen.used, now_.seen.max};
    if (is_nearly_used_up(segment)) {
      add("nearly_full", "The memory of '" + facts_.name + "' is nearly used up: " + amounts(segment) + '.',
          "Delete what is not needed (`partage ls " + shell_word(facts_.name) +
              "` shows the bytes of each object), or start it anew with a larger --max-size or "
              "ManagerOptions::max_size.");
    }
    const Store slots{now_.seen.clients.size(), kernel::client_slots - 1};
    if (is_nearly_used_up(slots)) {
      add("many_clients",
          std::to_string(slots.used) + " of " + std::to_string(slots.size) +
              " places for processes and connections of '" + facts_.name + "' are taken.",
          "End some processes, or close connections that have sent handles, or use another manager.");
    }
  }

  const ManagerFacts& facts_;
  const Watch& now_;
  double long_wait_;
  std::vector<Diagnosis>& out_;
  std::set<std::size_t> in_circle_;
  std::set<ObjectRef> by_internal_;
};

}  // namespace

std::vector<Diagnosis> diagnose(const MachineFacts& facts) {
  std::vector<Diagnosis> out;
  for (const ManagerFacts& manager : facts.managers) ManagerDiagnoses(manager, facts.long_wait, out).find();
  if (is_nearly_used_up(facts.shared_memory)) {
    out.push_back(
        {"shared_memory", "", "/dev/shm is nearly full: " + amounts(facts.shared_memory) + " are used.",
         "Remove what nobody uses (`partage clean`, `ls -l /dev/shm`), or mount it larger: `mount -o remount,size=SIZE "
         "/dev/shm`."});
  }
  if (is_nearly_used_up(facts.memory)) {
    out.push_back(
        {"memory", "", "The memory that this control group may use is nearly used up: " + amounts(facts.memory) + '.',
         "Shared memory counts in it, and the kernel ends processes when it is full: raise memory.max, or use less."});
  }
  for (const Litter& litter : facts.litter) {
    const std::string path = "/dev/shm/" + litter.file;
    out.push_back(
        {"litter", "", path + " looks like a file of partage, but is no segment.", removal(path, litter.directory)});
  }
  return out;
}

}  // namespace partage::tool
