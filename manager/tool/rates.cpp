#include "manager/tool/rates.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_map>

#include "manager/registry/hosted.hpp"
#include "manager/tool/duration.hpp"

namespace partage::tool {
namespace {

using kernel::SeenObject;

/// Counters only go up; one that does not belongs to something else by now.
double difference(std::uint64_t before, std::uint64_t now) {
  return now > before ? static_cast<double>(now - before) : 0;
}

/// Windows closed between the looks, in the stripes that it had in both.
double changes_of(const SeenObject& before, const SeenObject& now) {
  double changes = 0;
  std::size_t k = 0;
  for (const SeenObject::Stripe& stripe : now.stripes) {
    while (k < before.stripes.size() && before.stripes[k].offset < stripe.offset) ++k;
    if (k == before.stripes.size() || before.stripes[k].offset != stripe.offset) continue;
    changes += difference(before.stripes[k].seq / 2, stripe.seq / 2);
  }
  return changes;
}

std::vector<ProcessRates> processes(const Watch& before, const Watch& now, double seconds) {
  static const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::vector<ProcessRates> all;
  for (const kernel::SeenClient& client : now.seen.clients) {
    const pid_t pid = client.process.pid;
    if (pid == 0) continue;
    const ProcessFacts& facts = now.process(pid);
    const ProcessFacts& earlier = before.process(pid);
    ProcessRates process;
    process.pid = pid;
    process.name = facts.name;
    process.state = client.dead ? "dead" : word_for_state(facts.state);
    process.threads = facts.threads;
    if (earlier.exists()) process.cpu = difference(earlier.cpu_ticks, facts.cpu_ticks) / ticks / seconds;
    for (const SeenObject& object : now.seen.objects) {
      for (const kernel::SeenHolder& holder : object.holders) {
        if (holder.client == client.id) process.holds.push_back(now.name_of(object.ref));
      }
    }
    for (const kernel::SeenInternal& lock : now.seen.internals) {
      if (lock.thread != 0 && now.process(lock.thread).process == pid) process.holds.push_back(now.name_of(lock));
    }
    for (const kernel::SeenWait& wait : now.seen.waits) {
      if (wait.client != client.id) continue;
      const std::string what = wait.object == 0 ? "the segment" : now.name_of(wait.object);
      process.waits.push_back(wait.since ? what + ", " + duration_text(now.seconds_since(wait)) : what);
    }
    all.push_back(std::move(process));
  }
  std::ranges::sort(all, {}, &ProcessRates::pid);
  return all;
}

}  // namespace

Rates rates(const Watch& before, const Watch& now) {
  Rates result;
  result.seconds = std::max(std::chrono::duration<double>(now.at - before.at).count(), 1e-3);
  const auto per_second = [&](double n) { return n / result.seconds; };
  const auto& a = before.seen;
  const auto& b = now.seen;
  result.busy = per_second(difference(a.contended, b.contended));
  result.sleeps = per_second(difference(a.sleeps, b.sleeps));
  result.repairs = b.repairs;
  result.new_repairs = per_second(difference(a.repairs, b.repairs));
  result.used = b.used;
  result.committed = b.committed;
  result.max = b.max;
  result.growth = per_second(static_cast<double>(b.used) - static_cast<double>(a.used));
  std::unordered_map<ObjectRef, std::size_t> waiters;
  for (const kernel::SeenWait& wait : b.waits) ++waiters[wait.object];
  for (const SeenObject& object : b.objects) {
    ObjectRates line;
    line.ref = object.ref;
    line.name = object.name;
    line.kind = kernel::name_of(object.kind);
    line.elements = object.elements;
    line.bytes = object.bytes;
    line.holders = object.holders.size();
    line.waiters = waiters[object.ref];
    const SeenObject* earlier = a.find(object.ref);
    if (earlier != nullptr) {
      line.changes = per_second(changes_of(*earlier, object));
      line.reads = per_second(difference(earlier->reads, object.reads));
      line.busy = per_second(difference(earlier->contended, object.contended));
      line.sleeps = per_second(difference(earlier->sleeps, object.sleeps));
    }
    result.changes += line.changes;
    result.reads += line.reads;
    result.objects.push_back(std::move(line));
  }
  result.processes = processes(before, now, result.seconds);
  const auto blocked = now.blocked();
  for (const Deadlock& deadlock : deadlocks(blocked, now.threads())) {
    result.deadlocks.push_back(sentence_for(deadlock, blocked));
  }
  return result;
}

std::string rate_text(double rate) {
  std::array<char, 32> text;
  const auto print = [&](const char* format, double number) {
    std::snprintf(text.data(), text.size(), format, number);
  };
  if (rate < 0.05) return "0";
  if (rate < 9.95) {
    print("%.1f", rate);
  } else if (rate < 999.5) {
    print("%.0f", rate);
  } else if (rate < 9'950) {
    print("%.1fk", rate / 1e3);
  } else if (rate < 999'500) {
    print("%.0fk", rate / 1e3);
  } else if (rate < 9.95e6) {
    print("%.1fM", rate / 1e6);
  } else {
    print("%.0fM", rate / 1e6);
  }
  return text.data();
}

}  // namespace partage::tool
