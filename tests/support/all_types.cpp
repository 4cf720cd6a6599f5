#include "tests/support/all_types.hpp"

#include <mutex>
#include <thread>

namespace partage::test {

using namespace std::chrono_literals;

AllTypes::AllTypes(const Manager& m)
    : lock(m.Lock()),
      rlock(m.RLock()),
      left(m.Value<long>(0)),
      right(m.Value<long>(0)),
      semaphore(m.Semaphore(3)),
      bounded(m.BoundedSemaphore(2)),
      signals(m.Semaphore(0, {.signal = true})),
      condition(m.Condition()),
      event(m.Event()),
      barrier(m.Barrier(2)),
      queue(m.Queue<std::pair<int, long>>(50)),
      received(m.dict<std::pair<int, long>, int>()),
      tasks(m.JoinableQueue<std::string>(50)),
      done(m.set<std::string>()),
      set(m.set<int>()),
      array(m.Array<long>(most_workers)),
      counter(m.Value<long>(0)),
      text(m.Value<std::string>("")),
      names(m.Namespace()),
      nested(m.list<Queue<ListProxy<int>>>({m.Queue<ListProxy<int>>(4)})) {}

void AllTypes::use_one(int w, const Manager& manager, Acknowledged& acknowledged, std::mt19937_64& random) const {
  switch (random() % 16) {
    case 0:
      if (lock.acquire(20ms)) {
        if (lock.owner_died()) right = left.get();
        left += 1;
        right += 1;
        lock.release();
      }
      break;
    case 1:
      if (rlock.acquire(5ms)) {
        rlock.acquire();
        rlock.release();
        rlock.release();
      }
      break;
    case 2:
      if (semaphore.acquire(5ms)) semaphore.release();
      break;
    case 3:
      if (bounded.try_acquire()) bounded.release();
      break;
    case 4:
      signals.release();
      signals.acquire(1ms);
      break;
    case 5: {
      const std::scoped_lock guard(condition);
      condition.wait(2ms);
      break;
    }
    case 6: {
      const std::scoped_lock guard(condition);
      condition.notify(1 + random() % 3);
      break;
    }
    case 7:
      random() % 2 == 0 ? event.set() : event.clear();
      event.wait(1ms);
      break;
    case 8:
      try {
        barrier.wait(3ms);
      } catch (const BrokenBarrierError&) {
        barrier.reset();
      }
      break;
    case 9: {
      const auto number = static_cast<long>(random() >> 1);
      if (queue.try_put({w, number})) ++acknowledged.put[w];
      break;
    }
    case 10:
      if (const auto item = queue.try_get()) {
        received.modify(*item, 0, [](int& n) { ++n; });
        ++acknowledged.got[w];
      }
      break;
    case 11: {
      const long i = acknowledged.tasks[w];
      if (tasks.try_put(std::to_string(w) + ':' + std::to_string(i))) ++acknowledged.tasks[w];
      break;
    }
    case 12:
      if (const auto task = tasks.try_get()) {
        done.add(*task);
        tasks.task_done();
      }
      break;
    case 13: {
      const int x = static_cast<int>(random() % 40);
      random() % 2 == 0 ? set.add(x) : set.discard(x);
      set.symmetric_difference_update({x, x + 1});
      ++acknowledged.added[w];
      break;
    }
    case 14:
      array[w] += 1;
      counter += 1;
      ++acknowledged.counted[w];
      text.modify([&](std::string& s) { s.assign(random() % 300, 'x'); });
      names.set("of" + std::to_string(w), std::string(random() % 40, 'y'));
      break;
    case 15:
      try {
        const auto inner = nested.at(0);
        if (!inner.try_put(manager.list<int>({w}))) inner.try_get();
      } catch (const ManagerLost&) {
        std::this_thread::yield();  // creation waits for the next manager
      }
      break;
  }
  ++acknowledged.operations[w];
}

}  // namespace partage::test
