#include "tests/stepkill/sync_bench.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <sstream>

#include "manager/container/list_read.hpp"
#include "manager/container/roster.hpp"

namespace partage::test {

using kernel::ClientId;
using kernel::Clients;
using kernel::Queue;
using kernel::QueueOutcome;
using kernel::SyncBody;
using kernel::u32;
using kernel::u64;
using kernel::Waiting;

namespace {

/// fn() in a child that dies of nothing but _exit: nobody detaches, nobody unlocks.
template <class Fn>
void in_dying_child(Fn fn) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      fn();
    } catch (const Error& e) {
      std::fprintf(stderr, "%s\n", e.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  REQUIRE(status == 0);
}

void finish(kernel::Segment& segment) {
  kernel::repair_everything(segment);
  kernel::reap_all_dead(segment, kernel::Orphans::take);
  kernel::sweep(segment);
}

/// Everybody but client 1 is dead here, and their slots are the next ones. As reap() does, who has left is asked under the lock
/// of the slots: a death in the commit of leaving is one after it.
void repair_objects(kernel::Segment& segment, const SyncRefs& refs) {
  std::vector<ClientId> dead;
  for (u32 slot = 2; slot < 4; ++slot) {
    const kernel::ClientInfo client = Clients(segment).info(slot);
    if (client.state != kernel::ClientState::free) dead.push_back(client.id);
  }
  segment.runs().repair();
  kernel::repair_transactions(segment);
  const kernel::Objects objects(segment);
  for (const ObjectRef ref : {refs.lock, refs.rlock, refs.semaphore, refs.bounded, refs.signal, refs.condition,
                              refs.event, refs.barrier, refs.packed, refs.queue, refs.sparse, refs.crowded,
                              refs.parcels, refs.joinable, refs.deliveries, refs.messages, refs.list, refs.dict}) {
    const kernel::Hosted hosted(segment, *objects.find(kernel::index_of(ref)));
    hosted.repair_dead();
    for (const ClientId client : dead) hosted.give_back(client, true);
  }
}

std::string client_text(ClientId id) {
  return std::to_string(id.slot);
}

void dump_lock(std::ostream& out, const kernel::Lock& lock) {
  const u64 state = lock.body().stripe.body[SyncBody::state].load();
  const u64 detail = lock.body().stripe.body[SyncBody::detail].load();
  if (state == 0) {
    out << "free";
  } else {
    out << "held by " << client_text(ClientId::of(state));
  }
  if (static_cast<u32>(detail) > 1) out << " times " << static_cast<u32>(detail);
  if (detail >> 63 != 0) out << ", its holder died";
  out << '\n';
}

template <class Fn>
void for_each_record(kernel::Segment& segment, SyncBody& body, Fn fn) {
  kernel::Change change(segment, body.stripe);
  const kernel::Roster roster(change, body.stripe.body[SyncBody::roster], body.stripe.body[SyncBody::ends]);
  roster.for_each([&](const kernel::Roster::Record& record) {
    fn(record);
    return true;
  });
}

void dump_records(std::ostream& out, kernel::Segment& segment, SyncBody& body) {
  for_each_record(segment, body, [&](const auto& record) { out << ' ' << client_text(record.client); });
  out << '\n';
}

void dump_semaphore(std::ostream& out, kernel::Segment& segment, SyncBody& body) {
  out << body.stripe.body[SyncBody::state].load() << " left, taken by";
  dump_records(out, segment, body);
}

void dump_condition(std::ostream& out, kernel::Segment& segment, SyncBody& body) {
  const u64 horizon = body.stripe.body[SyncBody::state].load();
  out << "waiting";
  for_each_record(segment, body, [&](const auto& record) {
    out << ' ' << client_text(record.client) << (record.data <= horizon ? "!" : "");
  });
  out << '\n';
}

void dump_barrier(std::ostream& out, kernel::Segment& segment, SyncBody& body) {
  static const char* const states[] = {"filling", "acting", "draining", "resetting", "broken"};
  out << states[body.stripe.body[SyncBody::state].load()] << ", in it";
  dump_records(out, segment, body);
}

void describe(std::ostream& out, const BytesView& value) {
  if (value.size > 20) {
    out << ' ' << static_cast<char>(*value.data) << '*' << value.size;
  } else {
    out << ' ' << std::string_view(reinterpret_cast<const char*>(value.data), value.size);
  }
  for (const ObjectRef ref : value.refs) out << "->" << kernel::index_of(ref);
}

void dump_queue(std::ostream& out, kernel::Segment& segment, const Queue& queue) {
  kernel::ByteTable table;
  queue.all_items(table);
  const kernel::Ring ring(segment, queue.stripe(), queue.config().packed_size);
  u64 place = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (queue.config().packed_size != 0) {
      u64 number = 0;
      std::memcpy(&number, table[i].data, table[i].size);
      out << ' ' << number;
      continue;
    }
    describe(out, table[i]);
    if (!queue.joinable()) continue;
    while (ring.load(place).owner() == Queue::finished) ++place;
    if (const u64 owner = ring.load(place).owner(); owner != 0) out << '@' << (owner & 0xFFFF);
    ++place;
  }
  if (queue.returned() != 0) out << ", " << queue.returned() << " back";
  if (queue.closed()) out << ", closed";
  out << '\n';
}

void dump_messages(std::ostream& out, const Queue& queue) {
  kernel::ByteTable table;
  queue.all_items(table);
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::int64_t type = 0;
    std::memcpy(&type, table[i].data, sizeof type);
    out << ' ' << type << ':';
    describe(out, {table[i].data + sizeof type, table[i].size - sizeof type});
  }
  if (queue.closed()) out << ", closed";
  out << '\n';
}

bool put(const Queue& queue, BytesView value) {
  return queue.put(value, Waiting::never()) == QueueOutcome::done;
}

void require(bool holds, const char* what) {
  if (!holds) throw Corrupt(std::string("after the repair: ") + what);
}

// ---- it goes on working ---------------------------------------------------------------------------------------------

void use_lock(const kernel::Lock& lock) {
  if (lock.locked()) {
    // Of an RLock: another thread of this process has it.
    if (lock.body().kind() == kernel::SyncKind::rlock) return;
    require(lock.release(), "release of a lock that is taken");
  }
  require(lock.acquire(Waiting::never()), "acquire of a free lock");
  lock.owner_died();
  require(!lock.owner_died(), "owner_died() is true twice");
  require(lock.release() && !lock.locked(), "release");
}

void use_semaphore(const kernel::Semaphore& semaphore) {
  const u64 value = semaphore.value();
  if (value != 0) {
    require(semaphore.acquire(Waiting::never()), "acquire of a permit that is left");
    require(semaphore.value() == value - 1, "acquire takes one permit");
  }
  require(semaphore.release(), "release");
  require(semaphore.value() == (value != 0 ? value : 1), "release gives one permit");
}

void use_condition(const Party& p, const kernel::Condition& condition) {
  std::vector<u64> tickets;
  for_each_record(p.segment(), condition.body(), [&](const auto& record) { tickets.push_back(record.data); });
  tickets.push_back(condition.enlist());
  condition.notify(~u64{0});
  require(condition.waiting() == 0, "notify_all notifies everybody");
  for (const u64 ticket : tickets) {
    require(condition.await(ticket, Waiting::never()), "a notified waiter goes on");
    require(condition.leave(ticket), "a notified waiter was notified");
  }
  const u64 a = condition.enlist(), b = condition.enlist();
  condition.notify(1);
  require(condition.waiting() == 1, "notify(1) notifies one");
  require(condition.leave(a) && !condition.leave(b), "the one that has waited longest");
}

void use_event(const kernel::Event& event) {
  event.set();
  require(event.is_set() && event.wait(Waiting::never()), "set");
  event.clear();
  require(!event.is_set() && !event.wait(Waiting::never()), "clear");
}

void use_barrier(const Party& p, const kernel::Barrier& barrier) {
  barrier.abort();
  std::vector<u64> tickets;
  for_each_record(p.segment(), barrier.body(), [&](const auto& record) { tickets.push_back(record.data); });
  for (const u64 ticket : tickets)
    require(!barrier.await(ticket, Waiting::never()), "a broken barrier lets nobody pass");
  barrier.reset();
  require(!barrier.broken() && barrier.waiting() == 0, "reset");
  const auto first = barrier.arrive(false, Waiting::never()), last = barrier.arrive(false, Waiting::never());
  require(!first.broken && !first.last && first.index == 0, "the first arrives");
  require(!last.broken && last.last && last.index == 1, "the last arrives");
  require(barrier.finish(last.ticket, false), "the last passes");
  require(barrier.await(first.ticket, Waiting::never()), "the first passes");
  require(barrier.waiting() == 0 && !barrier.broken(), "everybody has left");
}

void use_queue(const Party& p, ObjectRef ref) {
  const Queue queue = p.queue(ref);
  const u64 number = 77;
  const ObjectRef to[] = {p.refs().list};
  const BytesView value = queue.config().packed_size != 0 ? BytesView(&number, 8)
                          : queue.config().handles        ? BytesView("more", 4, to)
                                                          : view("one more item, long enough for a blob");
  Bytes out;
  // Until the queue is empty: what others have taken and not given back is theirs.
  while (queue.get(out, Waiting::never()) == QueueOutcome::done) {
    if (queue.joinable()) require(queue.task_done(), "task_done");
  }
  while (queue.joinable() && queue.task_done()) {
  }
  if (queue.closed()) return;
  require(queue.size() == 0, "an emptied queue is empty");
  for (int i = 0; i < 3; ++i) require(put(queue, value), "put");
  require(queue.size() == 3, "three were put");
  for (int i = 0; i < 3; ++i) {
    require(queue.get(out, Waiting::never()) == QueueOutcome::done, "get");
    require(out.view().size == value.size, "what was got is what was put");
    if (queue.joinable()) {
      require(!queue.join(Waiting::never()), "join before everything is done");
      require(queue.task_done(), "task_done");
    }
  }
  if (queue.joinable()) require(queue.join(Waiting::never()) && !queue.task_done(), "join after everything is done");
}

void use_messages(const Queue& queue) {
  Bytes out;
  const auto receive = [&](std::int64_t type) { return queue.receive(type, out, Waiting::never()); };
  while (receive(0) == QueueOutcome::done) {
  }
  if (queue.closed()) return;
  require(queue.size() == 0, "an emptied queue of messages is empty");
  for (const int type : {3, 1, 4, 2, 4}) require(put(queue, view(message(type, std::string(type * 10, 'm')))), "send");
  for (const int wanted : {4, 2, -9, 0, -4}) {
    const std::string expected = message(wanted > 0 ? wanted : wanted == -9 ? 1 : wanted == 0 ? 3 : 4, "");
    require(receive(wanted) == QueueOutcome::done && text(out).starts_with(expected), "receive by type");
  }
  require(receive(0) == QueueOutcome::timeout, "every message is received once");
}

void go_on(const Party& p) {
  for (const kernel::Lock& lock : {p.lock(), p.rlock()}) use_lock(lock);
  for (const kernel::Semaphore& semaphore : {p.semaphore(), p.bounded(), p.signal()}) use_semaphore(semaphore);
  use_condition(p, p.condition());
  use_event(p.event());
  use_barrier(p, p.barrier());
  const SyncRefs& r = p.refs();
  for (const ObjectRef ref : {r.packed, r.queue, r.sparse, r.crowded, r.parcels, r.joinable, r.deliveries})
    use_queue(p, ref);
  use_messages(p.queue(r.messages));
  Bytes out;
  p.list().append(view("last"));
  require(p.list().pop_wait(-1, out, Waiting::never()) && text(out) == "last", "list.pop_wait");
  p.dict().set(view("new"), view("value"));
  require(p.dict().wait(view("new"), out, Waiting::never()) && text(out) == "value", "dict.wait");
}

}  // namespace

std::string message(std::int64_t type, const std::string& text) {
  return std::string(reinterpret_cast<const char*>(&type), sizeof type) + text;
}

void Party::as_one_that_dies(const std::function<void(Party&)>& life) {
  in_dying_child([&] {
    segment_->client_slot = 0;
    Clients(*segment_).attach();
    life(*this);
  });
}

std::string SyncBench::dump(const Party& p) {
  std::ostringstream out;
  kernel::Segment& segment = p.segment();
  out << "lock: ";
  dump_lock(out, p.lock());
  out << "rlock: ";
  dump_lock(out, p.rlock());
  out << "semaphore: ";
  dump_semaphore(out, segment, p.semaphore().body());
  out << "bounded: ";
  dump_semaphore(out, segment, p.bounded().body());
  out << "signal: ";
  dump_semaphore(out, segment, p.signal().body());
  out << "condition: ";
  dump_condition(out, segment, p.condition().body());
  out << "event: " << (p.event().is_set() ? "set" : "clear") << '\n';
  out << "barrier: ";
  dump_barrier(out, segment, p.barrier().body());
  const SyncRefs& r = p.refs();
  const std::pair<const char*, ObjectRef> queues[] = {
      {"packed", r.packed},   {"queue", r.queue},       {"sparse", r.sparse},        {"crowded", r.crowded},
      {"parcels", r.parcels}, {"joinable", r.joinable}, {"deliveries", r.deliveries}};
  for (const auto& [name, ref] : queues) {
    out << name << ':';
    dump_queue(out, segment, p.queue(ref));
  }
  out << "messages:";
  dump_messages(out, p.queue(r.messages));
  kernel::ByteTable table;
  p.list().snapshot(table);
  out << "list:";
  for (std::size_t i = 0; i < table.size(); ++i) describe(out, table[i]);
  out << "\ndict: " << p.dict().size()
      << "\ncounted: " << kernel::Objects(segment).find(kernel::index_of(r.list))->count.load() << "\nclients:";
  for (const kernel::ClientInfo& c : Clients(segment).list()) {
    const bool holds_list =
        (kernel::Objects(segment).find(kernel::index_of(r.list))->holders[c.id.slot / 64].load() >> c.id.slot % 64 &
         1) != 0;
    out << ' ' << c.id.slot << (holds_list ? " with the list" : "");
  }
  out << '\n';
  return out.str();
}

SyncBench::SyncBench(SyncOperation operation)
    : at_(std::size_t{2} << 20), operation_(std::move(operation)), party_(at_.segment(), {}) {
  kernel::Registry& registry = at_->registry();
  const auto sync = [&](kernel::ObjectKind kind, kernel::SyncConfig config) {
    return registry.create_sync(kernel::name_of(kind), "", config, kind);
  };
  using enum kernel::ObjectKind;
  SyncRefs r{};
  r.lock = sync(lock, {.kind = kernel::SyncKind::lock});
  r.rlock = sync(rlock, {.kind = kernel::SyncKind::rlock});
  r.semaphore = sync(semaphore, {.kind = kernel::SyncKind::semaphore, .initial = 100});
  r.bounded =
      sync(bounded_semaphore, {.kind = kernel::SyncKind::semaphore, .flags = kernel::sync_flag::bounded, .initial = 2});
  r.signal = sync(semaphore, {.kind = kernel::SyncKind::semaphore, .flags = kernel::sync_flag::signal, .initial = 1});
  r.condition = sync(condition, {.kind = kernel::SyncKind::condition, .companion = r.rlock});
  r.event = sync(event, {.kind = kernel::SyncKind::event});
  r.barrier = sync(barrier, {.kind = kernel::SyncKind::barrier, .initial = 2});
  r.packed = registry.create_queue("queue<u64>", "", {.packed_size = 8}, 4, queue);
  r.queue = registry.create_queue("queue<str>", "", {}, 0, queue);
  r.sparse = registry.create_queue("queue<str>", "", {}, 0, queue);
  r.crowded = registry.create_queue("queue<str>", "", {}, 0, queue);
  r.parcels = registry.create_queue("queue<list<str>>", "", {.handles = true}, 0, queue);
  r.joinable = registry.create_queue("joinable_queue<str>", "", {.owners = true}, 3, joinable_queue);
  r.deliveries =
      registry.create_queue("joinable_queue<list<str>>", "", {.handles = true, .owners = true}, 0, joinable_queue);
  r.messages = registry.create_queue("queue<tuple<i64,str>>", "", {}, 0, queue);
  r.list = at_->new_list();
  r.dict = at_->new_dict();
  party_ = Party(at_.segment(), r);

  for (const u64 number : {1, 2}) put(party_.queue(r.packed), {&number, 8});
  for (const ObjectRef ref : {r.queue, r.joinable}) {
    put(party_.queue(ref), view("in"));
    put(party_.queue(ref), view(std::string(60, 'b')));
    if (ref == r.queue) put(party_.queue(ref), view(std::string(2100, 'r')));
  }
  Bytes out;
  for (int i = 0; i < 62; ++i) put(party_.queue(r.sparse), view(std::to_string(i)));
  for (int i = 0; i < 54; ++i) party_.queue(r.sparse).get(out, Waiting::never());
  for (int i = 0; i < 6; ++i) put(party_.queue(r.crowded), view(std::to_string(i)));
  for (const ObjectRef ref : {r.parcels, r.deliveries}) {
    put(party_.queue(ref), {"", 0, {&r.list, 1}});
    put(party_.queue(ref), {"with text", 9, {&r.list, 1}});
  }
  std::int64_t type = 5;
  for (const std::string& s :
       {std::string("in"), std::string(60, 'b'), std::string(2100, 'r'), std::string("x"), std::string("y")})
    put(party_.queue(r.messages), view(message(type--, s)));
  for (const char* s : {"one", "two"}) at_->append(r.list, s);
  party_.dict().set(view("k"), view("v"));
  party_.lives().self();  // holds the life lock from now on
  if (operation_.set) operation_.set(party_);
  REQUIRE(at_->verify() == "");
}

/// In the operator: it becomes a client of its own, and does what comes before.
void SyncBench::attach_operator() {
  at_.segment().client_slot = 0;
  Clients(at_.segment()).attach();
  if (operation_.prepare) operation_.prepare(party_);
}

SyncBench::Remains SyncBench::remains(const Image& image, bool run) {
  Mirror saved(image);
  saved.take(image);
  in_dying_child([&] {
    attach_operator();
    if (run) operation_.run(party_);
  });
  kernel::repair_everything(at_.segment());
  Remains r;
  r.left = dump(party_);
  finish(at_.segment());
  r.end = dump(party_);
  REQUIRE(at_->verify() == "");
  saved.give_back(image);
  return r;
}

Subject SyncBench::subject(Look look, Repair repair) {
  kernel::Segment& segment = at_.segment();
  Subject s;
  s.name = operation_.name;
  s.image = {{.base = segment.base(),
              .reserved = segment.header().max,
              .fd = segment.object().fd(),
              .used = [](const std::byte* base) {
                return static_cast<std::size_t>(reinterpret_cast<const kernel::SegmentHeader*>(base)->committed.load());
              }}};
  const Remains before = remains(s.image, false), after = remains(s.image, true);
  INFO(operation_.name, "\nbefore:\n", before.left, "reaped:\n", before.end, "after:\n", after.left, "reaped:\n",
       after.end);
  if (!operation_.before.empty()) REQUIRE(before.end.find(operation_.before + '\n') != std::string::npos);
  if (!operation_.after.empty()) REQUIRE(after.end.find(operation_.after + '\n') != std::string::npos);
  const bool strict = look == Look::at_remains && !operation_.several;
  const bool visible = strict ? before.left != after.left : before.end != after.end;
  if (strict) REQUIRE(visible == operation_.visible);

  s.prepare = [this] { attach_operator(); };
  s.operate = [this] { operation_.run(party_); };
  s.on_death = [](const Image& image, pid_t tid) {
    // Another start time: the process of that pid is not the one that took the slot.
    const auto& header = *reinterpret_cast<const kernel::SegmentHeader*>(image[0].base);
    auto& table = *reinterpret_cast<kernel::ControlTable*>(image[0].base + header.clients);
    const u64 other = 1;
    for (kernel::ClientSlot& slot : table.slots) {
      if (slot.pid.load() == static_cast<u64>(tid)) std::memcpy(static_cast<void*>(&slot.start), &other, sizeof other);
    }
  };
  s.judge = [refs = party_.refs(), before, after, strict, visible, between = operation_.between](const Image& image) {
    const auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
    copy->client_slot = 1;
    const Party p(*copy, refs);
    kernel::repair_everything(*copy);
    const std::string left = dump(p);
    finish(*copy);
    if (const std::string problem = kernel::verify_segment(*copy); !problem.empty()) throw Corrupt(problem);
    const std::string end = dump(p);
    if (strict && left != before.left && left != after.left)
      throw Corrupt("the remains are neither as before nor as after:\n" + left);
    const int verdict = strict ? (left == before.left ? 0 : 1) : (end == after.end ? 1 : 0);
    const bool is_between = !between.empty() && end.find(between + '\n') != std::string::npos;
    if (end != (verdict == 0 ? before.end : after.end) && !is_between)
      throw Corrupt(std::string("reaped it is not what it is ") + (verdict == 0 ? "before" : "after") + ":\n" + end);
    go_on(p);
    if (const std::string problem = kernel::verify_segment(*copy); !problem.empty())
      throw Corrupt("after going on: " + problem);
    return visible ? verdict : 0;
  };
  s.recover = [refs = party_.refs(), repair](const Image& image) {
    const auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
    copy->client_slot = 1;
    repair == Repair::all ? finish(*copy) : repair_objects(*copy, refs);
  };
  return s;
}

void kill_everywhere(const char* title, const std::vector<SyncOperation>& operations) {
  StepkillReport report(title);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    SyncBench bench(operations[i]);
    const Result passed = pass(bench.subject(Look::at_remains));
    check_atomic(report.add(passed), bench.changes());
    if (!operations[i].visible || i % 3 != 0) continue;
    check_atomic(report.add(recovery(bench.subject(Look::at_the_end), passed.kills / 2 + 1)));
  }
}

void kill_at_every_instruction(StepkillReport& report, const SyncOperation& operation) {
  SyncBench bench(operation);
  check_atomic(report.add(real(bench.subject(Look::at_remains), Selection::every())), bench.changes());
}

void kill_every_repair(StepkillReport& report, const SyncOperation& operation) {
  SyncBench bench(operation);
  check_atomic(report.add(recovery(bench.subject(Look::at_the_end), 4)));
  check_atomic(report.add(recovery(bench.subject(Look::at_the_end, Repair::all), 20)));
}

CodeSet commit_code() {
  CodeSet code = mutex_code();
  code.add_functions_named("kernel::RobustMutex::try_acquire").add_functions_named("kernel::RobustMutex::release");
  code.add_functions_named("kernel::Change::commit").add_functions_named("kernel::apply_log");
  return code;
}

}  // namespace partage::test
