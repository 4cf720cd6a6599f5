#include "tests/damage/world.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "manager/container/barrier.hpp"
#include "manager/container/condition.hpp"
#include "manager/container/event.hpp"
#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/registry/verify.hpp"
#include "manager/server/manager.hpp"

namespace partage::test {
namespace {

using kernel::ObjectKind;
using kernel::Registry;
using kernel::u64;

BytesView view(std::string_view s) {
  return {s.data(), s.size()};
}
BytesView word_view(const u64& word) {
  return {reinterpret_cast<const char*>(&word), 8};
}
kernel::Deadline soon() {
  return kernel::Clock::now() + std::chrono::milliseconds(50);
}

kernel::Dict dict_at(kernel::Segment& segment, u64 body) {
  return {segment, segment.at<kernel::DictBody>(body)};
}

kernel::ObjectFacts facts_of(kernel::Segment& segment, ObjectRef ref) {
  const auto facts = Registry(segment, kernel::Control::alone).facts(ref);
  if (!facts) throw Corrupt("partage: object #" + std::to_string(ref) + " has gone");
  return *facts;
}

std::string text_of(const kernel::ByteTable& table) {
  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    text.append(reinterpret_cast<const char*>(table[i].data), table[i].size);
    for (const ObjectRef ref : table[i].refs) text += '#' + std::to_string(ref);
    text += ',';
  }
  return text;
}

std::string long_text(int i) {
  return std::string(static_cast<std::size_t>(20 + i * 13 % 300), static_cast<char>('a' + i % 26));
}

}  // namespace

World::World() : segment_(kernel::make_segment({.initial = 0, .max = world_max})) {
  kernel::Segment& s = *segment_;
  Registry registry(s, kernel::Control::alone);
  const auto add = [&](const char* what, ObjectRef ref) {
    registry.publish(what, ref);
    objects_.push_back({ref, facts_of(s, ref), what, {}, {}});
    return ref;
  };
  const auto list = [&](ObjectRef ref) { return kernel::List(s, facts_of(s, ref).body); };
  const auto dict = [&](ObjectRef ref) { return dict_at(s, facts_of(s, ref).body); };
  const auto queue = [&](ObjectRef ref) { return kernel::Queue(s, facts_of(s, ref).body); };

  const ObjectRef texts = add("texts", registry.create_list("list<str>", "", {}));
  for (int i = 0; i < 30; ++i) list(texts).append(view(i % 3 == 0 ? "short" : long_text(i)));
  list(texts).append(view(std::string(5000, 'L')));
  const ObjectRef numbers = add("numbers", registry.create_list("list<i64>", "", {.packed_size = 8}));
  for (u64 i = 0; i < 100; ++i) list(numbers).append(word_view(i));
  for (int i = 0; i < 7; ++i) list(numbers).erase(0);
  const ObjectRef handles = add("handles", registry.create_list("list<list<str>>", "", {.handles = true}));
  for (const ObjectRef ref : {texts, numbers}) list(handles).append(BytesView("", 0, {&ref, 1}));
  add("value", registry.create_list("value<i64>", "", {.packed_size = 8, .cell = true}, ObjectKind::value));

  const ObjectRef small = add("small", registry.create_dict("dict<str,str>", "", {}));
  for (int i = 0; i < 5; ++i) dict(small).set(view("k" + std::to_string(i)), view("v"));
  const ObjectRef large = add("large", registry.create_dict("dict<str,str>", "", {}));
  for (int i = 0; i < 150; ++i) {
    dict(large).set(view(i % 5 == 0 ? long_text(i) + std::to_string(i) : "key" + std::to_string(i)),
                    view(i % 4 == 0 ? long_text(i) : "v"));
  }
  for (int i = 0; i < 150; i += 7) dict(large).erase(view("key" + std::to_string(i)));
  const ObjectRef striped = add("striped", registry.create_dict("dict<str,str>", "", {.stripes_log2 = 3}));
  for (int i = 0; i < 60; ++i) dict(striped).set(view("key" + std::to_string(i)), view(long_text(i)));
  const ObjectRef map = add("map of handles", registry.create_dict("dict<str,list<i64>>", "", {.handles = true}));
  dict(map).set(view("numbers"), BytesView("", 0, {&numbers, 1}));
  const ObjectRef set = add("set", registry.create_dict("set<str>", "", {}, ObjectKind::set));
  for (int i = 0; i < 20; ++i) dict(set).set(view("e" + std::to_string(i)), {});

  const ObjectRef items = add("queue", registry.create_queue("queue<str>", "", {.queue = true}, 50, ObjectKind::queue));
  for (int i = 0; i < 10; ++i) queue(items).put(view(long_text(i)), soon());
  const ObjectRef joinable =
      add("joinable queue",
          registry.create_queue("queue<str>", "", {.queue = true, .owners = true}, 0, ObjectKind::joinable_queue));
  for (int i = 0; i < 6; ++i) queue(joinable).put(view(long_text(i)), soon());
  Bytes out;
  for (int i = 0; i < 2; ++i) queue(joinable).get(out, soon());
  queue(joinable).task_done();

  using kernel::SyncKind;
  const ObjectRef lock = add("lock", registry.create_sync("lock", "", {.kind = SyncKind::lock}, ObjectKind::lock));
  add("rlock", registry.create_sync("rlock", "", {.kind = SyncKind::rlock}, ObjectKind::rlock));
  const ObjectRef semaphore =
      add("semaphore",
          registry.create_sync("semaphore", "", {.kind = SyncKind::semaphore, .initial = 5}, ObjectKind::semaphore));
  for (int i = 0; i < 2; ++i) kernel::Semaphore(s, facts_of(s, semaphore).body).acquire(soon());
  add("condition",
      registry.create_sync("condition", "", {.kind = SyncKind::condition, .companion = lock}, ObjectKind::condition));
  add("event", registry.create_sync("event", "", {.kind = SyncKind::event}, ObjectKind::event));
  add("barrier", registry.create_sync("barrier", "", {.kind = SyncKind::barrier, .initial = 3}, ObjectKind::barrier));

  REQUIRE(kernel::verify_segment(s) == "");
  for (WorldObject& object : objects_) {
    object.contents = contents_of(s, object.facts);
    const kernel::ObjectSlot& slot = *kernel::Objects(s).find(kernel::index_of(object.ref));
    REQUIRE(kernel::Hosted(s, slot).verify(object.runs, kernel::Leftovers::damage) == "");
    object.runs.push_back(slot.schema.load());
  }
  used_.emplace_back(0, kernel::heap_offset + sizeof(kernel::HeapState));
  s.runs().for_each([&](u64 run, std::size_t bytes, bool free, kernel::Pool) {
    used_.emplace_back(run - sizeof(kernel::BlockHead), free ? run + 16 : run + bytes);
  });
}

const WorldObject& World::object(const std::string& what) const {
  const auto it = std::ranges::find(objects_, what, &WorldObject::what);
  REQUIRE(it != objects_.end());
  return *it;
}

kernel::MemoryObject World::copy() const {
  kernel::MemoryObject object = kernel::MemoryObject::create(world_max);
  const u64 bytes = segment_->header().committed.load();
  REQUIRE(object.commit(0, bytes) == 0);
  REQUIRE(::pwrite(object.fd(), segment_->base(), bytes, 0) == static_cast<ssize_t>(bytes));
  return object;
}

std::string contents_of(kernel::Segment& segment, const kernel::ObjectFacts& facts) {
  kernel::ByteTable keys, values;
  switch (kernel::shape_of(facts.kind)) {
    case kernel::Shape::list:
      kernel::List(segment, facts.body).snapshot(values);
      return text_of(values);
    case kernel::Shape::dict:
      dict_at(segment, facts.body).snapshot(&keys, &values);
      return text_of(keys) + '|' + text_of(values);
    case kernel::Shape::queue:
      kernel::Queue(segment, facts.body).snapshot(values);
      return text_of(values);
    case kernel::Shape::sync:
      return std::to_string(kernel::Sync(segment, facts.body).size());
    case kernel::Shape::unknown:
      break;
  }
  throw Corrupt("partage: an object of an unknown kind");
}

void use(kernel::Segment& segment, const kernel::ObjectFacts& facts) {
  Bytes out;
  switch (kernel::shape_of(facts.kind)) {
    case kernel::Shape::list: {
      const kernel::List list(segment, facts.body);
      const std::string text = long_text(5);
      const u64 word = 42;
      const BytesView value = list.config().packed_size != 0 ? BytesView(&word, list.config().packed_size) : view(text);
      list.get(0, out);
      list.set(0, value);
      if (list.config().cell) return;
      for (int i = 0; i < 20; ++i) list.append(value);
      list.insert(3, value);
      list.erase(2);
      list.pop(0, out);
      list.reverse();
      return;
    }
    case kernel::Shape::dict: {
      kernel::Dict dict = dict_at(segment, facts.body);
      for (int i = 0; i < 20; ++i) {
        const std::string key = "key" + std::to_string(i * 9);
        dict.get(view(key), out);
        dict.set(view(key), view(i % 2 == 0 ? long_text(i) : "w"));
      }
      dict.erase(view("key9"));
      Bytes key;
      dict.popitem(key, out);
      return;
    }
    case kernel::Shape::queue: {
      const kernel::Queue queue(segment, facts.body);
      for (int i = 0; i < 5; ++i) queue.put(view(long_text(i)), soon());
      for (int i = 0; i < 7; ++i) {
        queue.get(out, soon());
        if (queue.joinable()) queue.task_done();
      }
      return;
    }
    case kernel::Shape::sync:
      switch (facts.kind) {
        case ObjectKind::lock:
        case ObjectKind::rlock: {
          const kernel::Lock lock(segment, facts.body);
          if (lock.acquire(soon())) lock.release();
          return;
        }
        case ObjectKind::semaphore: {
          const kernel::Semaphore semaphore(segment, facts.body);
          for (int i = 0; i < 3; ++i) semaphore.acquire(soon());
          semaphore.release();
          return;
        }
        case ObjectKind::event: {
          const kernel::Event event(segment, facts.body);
          event.set();
          event.wait(soon());
          event.clear();
          return;
        }
        case ObjectKind::condition:
          kernel::Condition(segment, facts.body).notify(1);
          return;
        default: {
          const kernel::Barrier barrier(segment, facts.body);
          barrier.abort();
          barrier.reset();
          return;
        }
      }
    case kernel::Shape::unknown:
      break;
  }
}

}  // namespace partage::test
