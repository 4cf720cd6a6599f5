// The queue facade: checks, calls the kernel, adopts references, collects garbage, turns outcomes into errors.
#include <partage/engine/error.hpp>
#include <partage/engine/queue.hpp>
#include <partage/error.hpp>

#include "manager/container/queue.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {

namespace {

kernel::Queue queue_of(const SharedObject& o) {
  return kernel::Queue(*o.segment, o.body);
}

/// False: timed out.
bool done(const SharedObject& o, const char* operation, kernel::QueueOutcome outcome) {
  if (outcome == kernel::QueueOutcome::closed) {
    throw ShutDown(message_start(o, operation) + (operation[0] == 'p'
                                                      ? "the queue was closed; put everything before close()"
                                                      : "the queue was closed and everything in it has been got"));
  }
  return outcome == kernel::QueueOutcome::done;
}

}  // namespace

bool Queue::put(BytesView value, const Deadline& deadline) const {
  const SharedObject& o = object_of(object_, "put");
  return done(o, "put", queue_of(o).put(value, deadline));
}

bool Queue::get(Value& out, const Deadline& deadline) const {
  SharedObject& o = acting_object_of(object_, "get");
  const kernel::Queue queue = queue_of(o);
  if (!o.handles_inside) return done(o, "get", queue.get(out.bytes, deadline));
  // References are handed over to this process while nothing of it can be given up; so that is no time to wait in.
  for (;;) {
    const bool got = take_out(o, out, [&] { return done(o, "get", queue.get(out.bytes, at_once())); });
    tidy(o);
    if (got) return true;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return false;
    queue.await_item(deadline);
  }
}

void Queue::close() const {
  queue_of(object_of(object_, "close")).close();
}
bool Queue::closed() const {
  return queue_of(object_of(object_, "closed")).closed();
}
std::size_t Queue::size() const {
  return queue_of(object_of(object_, "qsize")).size();
}
bool Queue::full() const {
  const kernel::Queue queue = queue_of(object_of(object_, "full"));
  return queue.limit() != 0 && queue.size() >= queue.limit();
}

void Queue::task_done() const {
  SharedObject& o = acting_object_of(object_, "task_done");
  const bool any = queue_of(o).task_done();
  tidy_handles(o);
  if (any) return;
  throw ValueError(message_start(o, "task_done") +
                   "no item is taken that is not done; call it once for every item got");
}
bool Queue::join(const Deadline& deadline) const {
  return queue_of(object_of(object_, "join")).join(deadline);
}
std::size_t Queue::redeliveries() const {
  return queue_of(object_of(object_, "redeliveries")).returned();
}

void Queue::throw_empty(const char* operation) const {
  throw Empty(message_start(object_of(object_, operation), operation) +
              "no item came in time; wait longer, or use try_get() where there may be none");
}
void Queue::throw_full(const char* operation) const {
  const SharedObject& o = object_of(object_, operation);
  throw Full(message_start(o, operation) + "it has " + std::to_string(queue_of(o).limit()) +
             " items, which is its maxsize, and none was taken in time; wait longer, or use try_put()");
}

std::string Queue::repr() const {
  const SharedObject& o = object_of(object_, "print");
  const kernel::Queue queue = queue_of(o);
  const char* name = o.kind == kernel::ObjectKind::queue            ? "Queue"
                     : o.kind == kernel::ObjectKind::joinable_queue ? "JoinableQueue"
                                                                    : "SimpleQueue";
  std::string text = std::string("<") + name + "(qsize=" + std::to_string(queue.size());
  if (queue.limit() != 0) text += ", maxsize=" + std::to_string(queue.limit());
  if (queue.closed()) text += ", closed";
  return text + ")>";
}

}  // namespace partage::engine
