// locks: who holds and who waits in a manager's objects, which of its internal locks are held, and who waits for ever.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>

#include "manager/registry/hosted.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/duration.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/table.hpp"
#include "manager/tool/watch.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;

json::value number_or_null(std::int64_t n) {
  return n == 0 ? json::value() : json::value(n);
}

std::string holding(const kernel::SeenObject& object, const kernel::SeenHolder& holder) {
  std::string text = holder.count > 1 ? "holds it, " + std::to_string(holder.count) + " deep" : "holds it";
  if (object.permits)
    text = holder.count == 1 ? "holds a permit" : "holds " + std::to_string(holder.count) + " permits";
  return holder.pid == 0 ? text + ", and has ended without releasing" : text;
}

std::string waiting(const kernel::SeenWait& wait, const kernel::SeenObject* object) {
  const std::string reason = wait.reason;
  std::string text = "waits";
  if (reason == "item") text = "waits for an item";
  if (reason == "room") text = "waits for room";
  if (reason == "join") text = "waits until all is done";
  if (reason == "key") text = "waits for a key";
  if (reason == "internal lock") text = "waits to look into it";
  if (reason.empty() && object != nullptr && object->kind == kernel::ObjectKind::condition)
    text = "waits to be notified";
  return wait.timed ? text + ", with a timeout" : text;
}

/// It holds, or is waited for.
bool is_of_interest(const Watch& watch, const kernel::SeenObject& object) {
  if (!object.holders.empty() || !object.enlisted.empty()) return true;
  for (const kernel::SeenWait& wait : watch.seen.waits) {
    if (wait.object == object.ref) return true;
  }
  return false;
}

/// Of the thread, or of the process where that is not known.
std::string state_of(const Watch& watch, pid_t pid, pid_t thread) {
  const ProcessFacts& facts = watch.process(thread != 0 ? thread : pid);
  return facts.exists() ? word_for_state(facts.state) : "ended";
}

/// Of those who wait for an object; 0: for the segment itself.
json::array waiters_json(const Watch& watch, ObjectRef object) {
  json::array waiters;
  for (const kernel::SeenWait& w : watch.seen.waits) {
    if (w.object != object) continue;
    waiters.push_back(json::object{{"pid", w.pid},
                                   {"thread", number_or_null(w.thread)},
                                   {"state", state_of(watch, w.pid, w.thread)},
                                   {"seconds", w.since ? json::value(watch.seconds_since(w)) : json::value()},
                                   {"timeout", w.timed},
                                   {"for", *w.reason == '\0' ? json::value() : json::value(w.reason)}});
  }
  return waiters;
}

json::object object_json(const Watch& watch, const kernel::SeenObject& object) {
  json::array holders, enlisted;
  for (const kernel::SeenHolder& h : object.holders) {
    holders.push_back(json::object{{"pid", number_or_null(h.pid)},
                                   {"thread", number_or_null(h.thread)},
                                   {"state", state_of(watch, h.pid, h.thread)},
                                   {"count", h.count}});
  }
  for (const kernel::SeenHolder& h : object.enlisted) enlisted.push_back(json::value(h.pid));
  return {{"id", object.ref},
          {"name", schema::name_or_null(object.name)},
          {"called", harmless(watch.name_of(object.ref))},
          {"kind", kernel::name_of(object.kind)},
          {"permits", object.permits ? json::value(*object.permits) : json::value()},
          {"holders", std::move(holders)},
          {"enlisted", std::move(enlisted)},
          {"waiters", waiters_json(watch, object.ref)}};
}

json::object as_json(const Watch& watch, const std::vector<BlockedThread>& blocked,
                     const std::vector<Deadlock>& deadlocks) {
  json::array objects, internals, circles;
  for (const kernel::SeenObject& object : watch.seen.objects) {
    if (is_of_interest(watch, object)) objects.push_back(object_json(watch, object));
  }
  for (const kernel::SeenInternal& lock : watch.seen.internals) {
    const ProcessFacts& facts = watch.process(lock.thread);
    internals.push_back(json::object{{"lock", harmless(watch.name_of(lock))},
                                     {"id", lock.object == 0 ? json::value() : json::value(lock.object)},
                                     {"pid", number_or_null(facts.process)},
                                     {"thread", number_or_null(lock.thread)},
                                     {"state", lock.dead ? "dead" : word_for_state(facts.state)}});
  }
  for (const Deadlock& deadlock : deadlocks) {
    json::array pids, names;
    for (const std::size_t i : deadlock.circle) {
      pids.push_back(json::value(blocked[i].pid));
      names.push_back(json::value(harmless(blocked[i].object)));
    }
    circles.push_back(json::object{{"processes", std::move(pids)},
                                   {"objects", std::move(names)},
                                   {"certain", deadlock.certain},
                                   {"sentence", harmless(sentence_for(deadlock, blocked))}});
  }
  return {{"objects", std::move(objects)},
          {"segment", waiters_json(watch, 0)},
          {"internal", std::move(internals)},
          {"deadlocks", std::move(circles)}};
}

void print(const Watch& watch) {
  using enum Table::Align;
  Table table({{"OBJECT"}, {"PROCESS", right}, {"THREAD", right}, {"STATE"}, {"SINCE", right}, {"DOES"}});
  bool empty = true;
  const auto add = [&](const std::string& what, pid_t pid, pid_t thread, const std::string& since,
                       const std::string& does) {
    table.add({what, pid == 0 ? "-" : std::to_string(pid), thread == 0 ? "-" : std::to_string(thread),
               state_of(watch, pid, thread), since.empty() ? "-" : since, does});
    empty = false;
  };
  for (const kernel::SeenObject& object : watch.seen.objects) {
    const std::string name = watch.name_of(object.ref);
    for (const kernel::SeenHolder& h : object.holders) add(name, h.pid, h.thread, "", holding(object, h));
    if (object.kind == kernel::ObjectKind::barrier) {
      for (const kernel::SeenHolder& h : object.enlisted) add(name, h.pid, h.thread, "", "has come");
    }
    for (const kernel::SeenWait& w : watch.seen.waits) {
      if (w.object != object.ref) continue;
      add(name, w.pid, w.thread, w.since ? duration_text(watch.seconds_since(w)) : "", waiting(w, &object));
    }
  }
  for (const kernel::SeenWait& w : watch.seen.waits) {
    if (w.object != 0) continue;
    add("the segment's own", w.pid, w.thread, w.since ? duration_text(watch.seconds_since(w)) : "",
        waiting(w, nullptr));
  }
  for (const kernel::SeenInternal& lock : watch.seen.internals) {
    add(watch.name_of(lock), watch.process(lock.thread).process, lock.thread, "",
        lock.dead ? "died holding it; the next one repairs" : "holds it");
  }
  if (empty) {
    std::cout << "Nobody holds or waits for anything.\n";
  } else {
    std::cout << table;
  }
}

}  // namespace

void locks(const std::string& given, bool json) {
  const std::string name = name_in(given);
  const auto segment = look_at_live(name);
  const Watch now = watch(*segment);
  const auto blocked = now.blocked();
  const auto found = deadlocks(blocked, now.threads());
  if (json) {
    std::cout << schema::compact(as_json(now, blocked, found)) << '\n';
  } else {
    print(now);
    for (const Deadlock& deadlock : found) std::cout << harmless(sentence_for(deadlock, blocked)) << '\n';
  }
  if (!found.empty()) {
    throw Failure{Exit::failed,
                  "partage: processes of '" + name + "' wait for each other; end one of them, and the others go on"};
  }
}

}  // namespace partage::tool
