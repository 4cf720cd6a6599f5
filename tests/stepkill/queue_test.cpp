// Every operation of queues, and of those who wait for elements of a list or a dict: killed after every change of the segment,
// repaired and reaped by another process, and that one killed likewise.
#include "tests/stepkill/sync_bench.hpp"

namespace partage::test {
namespace {

using kernel::Deadline;
using kernel::Queue;
using kernel::u64;
using kernel::Waiting;

constexpr Deadline forever = std::nullopt;
Deadline at_once() {
  return Waiting::never();
}

using Which = ObjectRef SyncRefs::*;
constexpr Which packed = &SyncRefs::packed, texts = &SyncRefs::queue, sparse = &SyncRefs::sparse,
                crowded = &SyncRefs::crowded, parcels = &SyncRefs::parcels, joinable = &SyncRefs::joinable,
                deliveries = &SyncRefs::deliveries, messages = &SyncRefs::messages;

Queue queue(const Party& p, Which which) {
  return p.queue(p.refs().*which);
}
SyncOperation::Step get(Which which, std::size_t items = 1) {
  return [which, items](Party& p) {
    Bytes out;
    for (std::size_t i = 0; i < items; ++i) queue(p, which).get(out, at_once());
  };
}
SyncOperation::Step put(Which which, std::string item) {
  return [which, item](Party& p) { queue(p, which).put(view(item), at_once()); };
}
SyncOperation::Step put_number(u64 number) {
  return [number](Party& p) { queue(p, packed).put({&number, 8}, at_once()); };
}
SyncOperation::Step put_list(Which which, std::string with) {
  return [which, with](Party& p) {
    const ObjectRef to[] = {p.refs().list};
    queue(p, which).put({with.data(), with.size(), to}, at_once());
  };
}
SyncOperation::Step task_done(Which which) {
  return [which](Party& p) { queue(p, which).task_done(); };
}
SyncOperation::Step close(Which which) {
  return [which](Party& p) { queue(p, which).close(); };
}
SyncOperation::Step both(SyncOperation::Step a, SyncOperation::Step b) {
  return [a, b](Party& p) {
    a(p);
    b(p);
  };
}
SyncOperation::Step by_first(SyncOperation::Step step) {
  return [step](Party& p) { p.as_first(step); };
}
SyncOperation::Step by_dead(SyncOperation::Step step) {
  return [step](Party& p) { p.as_one_that_dies(step); };
}
/// Somebody was about to sleep until there is an item.
SyncOperation::Step awaited(Which which) {
  return by_first([which](Party& p) {
    get(which, 9)(p);
    queue(p, which).await_item(long_ago());
    Bytes out;
    queue(p, which).get(out, long_ago());
  });
}

const std::vector<SyncOperation>& queue_operations() {
  static const std::string blob(50, 'B'), run(2300, 'R');
  static const std::vector<SyncOperation> all = {
      {.name = "queue put, packed", .run = put_number(7), .before = "packed: 1 2", .after = "packed: 1 2 7"},
      {.name = "queue put, packed, a getter sleeps",
       .set = awaited(packed),
       .run = put_number(7),
       .before = "packed:",
       .after = "packed: 7"},
      {.name = "queue put, packed, full",
       .set = both(put_number(3), put_number(4)),
       .run = put_number(7),
       .after = "packed: 1 2 3 4",
       .visible = false},
      {.name = "queue put, packed, full, sleeps in vain",
       .set = both(put_number(3), put_number(4)),
       .run =
           [](Party& p) {
             const u64 number = 7;
             queue(p, packed).put({&number, 8}, soon());
           },
       .after = "packed: 1 2 3 4",
       .visible = false},
      {.name = "queue put, inline", .run = put(texts, "x"), .after = "queue: in b*60 r*2100 x"},
      {.name = "queue put, blob", .run = put(texts, blob), .after = "queue: in b*60 r*2100 B*50"},
      {.name = "queue put, own run", .run = put(texts, run), .after = "queue: in b*60 r*2100 R*2300"},
      {.name = "queue put, the ring grows", .run = put(crowded, "6"), .after = "crowded: 0 1 2 3 4 5 6"},
      {.name = "queue put, a handle", .run = put_list(parcels, ""), .before = "counted: 4", .after = "counted: 5"},
      {.name = "queue put, a handle and text",
       .run = put_list(parcels, "to you"),
       .before = "counted: 4",
       .after = "counted: 5"},
      {.name = "queue put, closed",
       .set = close(texts),
       .run = put(texts, "x"),
       .after = "queue: in b*60 r*2100, closed",
       .visible = false},
      {.name = "queue get, packed", .run = get(packed), .before = "packed: 1 2", .after = "packed: 2"},
      {.name = "queue get, packed, a putter sleeps",
       .set = both(both(put_number(3), put_number(4)),
                   [](Party& p) {
                     const u64 number = 7;
                     queue(p, packed).put({&number, 8}, long_ago());
                   }),
       .run = get(packed),
       .before = "packed: 1 2 3 4",
       .after = "packed: 2 3 4"},
      {.name = "queue get, inline", .run = get(texts), .after = "queue: b*60 r*2100"},
      {.name = "queue get, blob", .set = get(texts), .run = get(texts), .after = "queue: r*2100"},
      {.name = "queue get, own run, the last", .set = get(texts, 2), .run = get(texts), .after = "queue:"},
      {.name = "queue get, the ring shrinks",
       .run = get(sparse),
       .before = "sparse: 54 55 56 57 58 59 60 61",
       .after = "sparse: 55 56 57 58 59 60 61",
       .several = true},
      {.name = "queue get, a handle", .run = get(parcels), .before = "counted: 4", .after = "counted: 3"},
      {.name = "queue get, a handle and text",
       .set = get(parcels),
       .run = get(parcels),
       .before = "counted: 3",
       .after = "counted: 2"},
      {.name = "queue get, empty, without waiting",
       .set = get(packed, 2),
       .run = get(packed),
       .after = "packed:",
       .visible = false},
      {.name = "queue get, empty, sleeps in vain",
       .set = get(packed, 2),
       .run =
           [](Party& p) {
             Bytes out;
             queue(p, packed).get(out, soon());
           },
       .after = "packed:",
       .visible = false},
      {.name = "queue get, closed and empty",
       .set = both(get(packed, 2), close(packed)),
       .run =
           [](Party& p) {
             Bytes out;
             queue(p, packed).get(out, forever);
           },
       .after = "packed:, closed",
       .visible = false},
      {.name = "queue close", .run = close(texts), .after = "queue: in b*60 r*2100, closed"},
      {.name = "queue close, getters sleep", .set = awaited(texts), .run = close(texts), .after = "queue:, closed"},
      {.name = "list pop_wait",
       .run =
           [](Party& p) {
             Bytes out;
             p.list().pop_wait(0, out, forever);
           },
       .before = "list: one two",
       .after = "list: two"},
      {.name = "list pop_wait, empty, sleeps in vain",
       .set = [](Party& p) { p.list().clear(); },
       .run =
           [](Party& p) {
             Bytes out;
             p.list().pop_wait(0, out, soon());
           },
       .after = "list:",
       .visible = false},
      {.name = "list append, one sleeps until there is an element",
       .set =
           [](Party& p) {
             p.list().clear();
             p.list().await(0, long_ago());
           },
       .run = [](Party& p) { p.list().append(view("three")); },
       .before = "list:",
       .after = "list: three"},
      {.name = "dict wait",
       .run =
           [](Party& p) {
             Bytes out;
             p.dict().wait(view("k"), out, forever);
           },
       .visible = false},
      {.name = "dict wait, sleeps in vain",
       .run =
           [](Party& p) {
             Bytes out;
             p.dict().wait(view("missing"), out, soon());
           },
       .visible = false},
      {.name = "dict set, one sleeps until the key is there",
       .set =
           [](Party& p) {
             Bytes out;
             p.dict().wait(view("missing"), out, long_ago());
           },
       .run = [](Party& p) { p.dict().set(view("missing"), view("found")); },
       .before = "dict: 1",
       .after = "dict: 2"},
  };
  return all;
}

SyncOperation::Step send(std::int64_t type, std::string text) {
  return put(messages, message(type, text));
}
SyncOperation::Step receive(std::int64_t type, Deadline deadline = Waiting::never()) {
  return [type, deadline](Party& p) {
    Bytes out;
    queue(p, messages).receive(type, out, deadline);
  };
}

const std::vector<SyncOperation>& message_operations() {
  static const char* const all_five = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y";
  static const std::vector<SyncOperation> all = {
      {.name = "message receive, any",
       .run = receive(0),
       .before = all_five,
       .after = "messages: 4: b*60 3: r*2100 2: x 1: y"},
      {.name = "message receive, the first",
       .run = receive(5),
       .before = all_five,
       .after = "messages: 4: b*60 3: r*2100 2: x 1: y"},
      {.name = "message receive, the last",
       .run = receive(1),
       .before = all_five,
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x"},
      {.name = "message receive, the least",
       .run = receive(-3),
       .before = all_five,
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x"},
      {.name = "message receive, a blob, the front moves",
       .run = receive(4),
       .before = all_five,
       .after = "messages: 5: in 3: r*2100 2: x 1: y"},
      {.name = "message receive, own run, the back moves",
       .run = receive(3),
       .before = all_five,
       .after = "messages: 5: in 4: b*60 2: x 1: y"},
      {.name = "message receive, inline, the back moves, others wait",
       .set = [](Party& p) { receive(7, long_ago())(p); },
       .run = receive(2),
       .before = all_five,
       .after = "messages: 5: in 4: b*60 3: r*2100 1: y"},
      {.name = "message receive, the least in the middle",
       .set = both(send(4, "z"), receive(1)),
       .run = receive(-3),
       .before = "messages: 5: in 4: b*60 3: r*2100 2: x 4: z",
       .after = "messages: 5: in 4: b*60 3: r*2100 4: z"},
      {.name = "message receive, the only one",
       .set =
           [](Party& p) {
             for (const int type : {5, 4, 2, 1}) receive(type)(p);
           },
       .run = receive(3),
       .before = "messages: 3: r*2100",
       .after = "messages:"},
      {.name = "message receive, in the middle, the ring shrinks",
       .set =
           [](Party& p) {
             for (int i = 0; i < 57; ++i) send(9, "many")(p);
             for (int i = 0; i < 54; ++i) receive(9)(p);
           },
       .run = receive(2),
       .before = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y 9: many 9: many 9: many",
       .after = "messages: 5: in 4: b*60 3: r*2100 1: y 9: many 9: many 9: many",
       .several = true},
      {.name = "message receive, none of the type, without waiting",
       .run = receive(7),
       .after = all_five,
       .visible = false},
      {.name = "message receive, none of the type, sleeps in vain",
       .run = [](Party& p) { receive(7, soon())(p); },
       .after = all_five,
       .visible = false},
      {.name = "message receive, removed",
       .set = close(messages),
       .run = receive(0, forever),
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y, closed",
       .visible = false},
      {.name = "message send, one waits for another type",
       .set = [](Party& p) { receive(7, long_ago())(p); },
       .run = send(8, "z"),
       .before = all_five,
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y 8: z"},
      {.name = "message send, removed",
       .set = close(messages),
       .run = send(8, "z"),
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y, closed",
       .visible = false},
      {.name = "message queue removed, they wait",
       .set = [](Party& p) { receive(7, long_ago())(p); },
       .run = close(messages),
       .after = "messages: 5: in 4: b*60 3: r*2100 2: x 1: y, closed"},
  };
  return all;
}

const std::vector<SyncOperation>& joinable_operations() {
  static const auto give_back = [](Which which) -> SyncOperation::Step {
    return [which](Party& p) { queue(p, which).give_back(kernel::Clients(p.segment()).info(2).id); };
  };
  static const std::vector<SyncOperation> all = {
      {.name = "joinable put", .run = put(joinable, "x"), .after = "joinable: in b*60 x"},
      {.name = "joinable put, a getter sleeps",
       .set = awaited(joinable),
       .run = put(joinable, "x"),
       .before = "joinable: in@1 b*60@1",
       .after = "joinable: in@1 b*60@1 x"},
      {.name = "joinable put, full",
       .set = put(joinable, "3"),
       .run = put(joinable, "x"),
       .after = "joinable: in b*60 3",
       .visible = false},
      {.name = "joinable put, full but for what is taken",
       .set = both(put(joinable, "3"), get(joinable)),
       .run = put(joinable, "x"),
       .after = "joinable: in@1 b*60 3 x"},
      {.name = "joinable get",
       .run = get(joinable),
       .before = "joinable: in b*60",
       .after = "joinable: in b*60, 1 back"},
      {.name = "joinable get, a blob, another has the first",
       .set = get(joinable),
       .run = get(joinable),
       .before = "joinable: in@1 b*60",
       .after = "joinable: in@1 b*60, 1 back"},
      {.name = "joinable get, of one that died",
       .set = by_dead(get(joinable)),
       .run = get(joinable),
       .before = "joinable: in b*60, 1 back",
       .after = "joinable: in b*60, 2 back"},
      {.name = "joinable get, nothing there, sleeps in vain beside the taker",
       .set = get(joinable, 2),
       .run =
           [](Party& p) {
             Bytes out;
             queue(p, joinable).get(out, soon());
           },
       .after = "joinable: in@1 b*60@1",
       .visible = false},
      {.name = "joinable get, a handle", .run = get(deliveries), .before = "counted: 4", .after = "counted: 4"},
      {.name = "joinable get, a handle and text",
       .set = get(deliveries),
       .run = get(deliveries),
       .after = "counted: 4"},
      {.name = "joinable task_done, in front",
       .prepare = get(joinable),
       .run = task_done(joinable),
       .before = "joinable: in b*60, 1 back",
       .after = "joinable: b*60"},
      {.name = "joinable task_done, in the middle",
       .set = both(put(joinable, "3"), get(joinable)),
       .prepare = get(joinable),
       .run = task_done(joinable),
       .before = "joinable: in@1 b*60 3, 1 back",
       .after = "joinable: in@1 3"},
      {.name = "joinable task_done, in front of one that is finished",
       .set = put(joinable, "3"),
       .prepare = both(get(joinable), by_first(both(get(joinable), task_done(joinable)))),
       .run = task_done(joinable),
       .before = "joinable: in 3, 1 back",
       .after = "joinable: 3"},
      {.name = "joinable task_done, the last of two",
       .prepare = both(get(joinable, 2), task_done(joinable)),
       .run = task_done(joinable),
       .before = "joinable: b*60, 1 back",
       .after = "joinable:"},
      {.name = "joinable task_done, for another",
       .set = get(joinable, 2),
       .run = task_done(joinable),
       .before = "joinable: in@1 b*60@1",
       .after = "joinable: b*60@1"},
      {.name = "joinable task_done, nothing is taken",
       .run = task_done(joinable),
       .after = "joinable: in b*60",
       .visible = false},
      {.name = "joinable task_done, they sleep in join",
       .set = both(get(joinable), [](Party& p) { queue(p, joinable).join(long_ago()); }),
       .run = task_done(joinable),
       .after = "joinable: b*60"},
      {.name = "joinable task_done, closed, they sleep in get",
       .set = both(close(joinable), awaited(joinable)),
       .run = task_done(joinable),
       .after = "joinable: b*60@1, closed"},
      {.name = "joinable task_done, a handle in front",
       .prepare = get(deliveries),
       .run = task_done(deliveries),
       .before = "counted: 4",
       .after = "counted: 3"},
      {.name = "joinable task_done, a handle and text in the middle",
       .set = get(deliveries),
       .prepare = get(deliveries),
       .run = task_done(deliveries),
       .before = "counted: 4",
       .after = "counted: 3"},
      {.name = "joinable join, everything is done",
       .set = both(get(joinable, 2), both(task_done(joinable), task_done(joinable))),
       .run = [](Party& p) { queue(p, joinable).join(forever); },
       .after = "joinable:",
       .visible = false},
      {.name = "joinable join, sleeps in vain",
       .run = [](Party& p) { queue(p, joinable).join(soon()); },
       .after = "joinable: in b*60",
       .visible = false},
      {.name = "joinable close", .run = close(joinable), .after = "joinable: in b*60, closed"},
      {.name = "joinable given back for one that died",
       .set = by_dead(get(joinable)),
       .run = give_back(joinable),
       .before = "joinable: in b*60, 1 back",
       .after = "joinable: in b*60, 1 back"},
      {.name = "joinable given back for one that died, two with one done between",
       .set = both(put(joinable, "3"), by_dead([](Party& p) {
                     get(joinable)(p);
                     p.as_first(both(get(joinable), task_done(joinable)));
                     get(joinable)(p);
                   })),
       .run = give_back(joinable),
       .before = "joinable: in 3, 2 back",
       .after = "joinable: in 3, 2 back",
       .several = true},
      {.name = "joinable given back for one that died, a handle",
       .set = by_dead(get(deliveries, 2)),
       .run = give_back(deliveries),
       .after = "counted: 4",
       .several = true},
  };
  return all;
}

}  // namespace

TEST_CASE("queues: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL queues", queue_operations());
}
TEST_CASE("joinable queues: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL joinable queues", joinable_operations());
}

TEST_CASE(
    "queues of messages: every operation is killed after every change of the segment, and repairs in some places") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  kill_everywhere("STEPKILL queues of messages", message_operations());
}

TEST_CASE("queues: real SIGKILLs at every change and in lock and commit") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL queues, real kills");
  for (const char* name : {"queue get, inline", "joinable get", "message receive, a blob, the front moves"}) {
    for (const auto* list : {&queue_operations(), &joinable_operations(), &message_operations()}) {
      for (const SyncOperation& operation : *list) {
        if (operation.name != std::string(name)) continue;
        SyncBench bench(operation);
        check_atomic(report.add(real(bench.subject(Look::at_remains), Selection::changed_and(commit_code()))));
      }
    }
  }
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("queues: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL queues, every instruction");
    for (const auto* list : {&queue_operations(), &joinable_operations(), &message_operations()}) {
      for (const SyncOperation& operation : *list) kill_at_every_instruction(report, operation);
    }
  }
  TEST_CASE("queues: the repair of every operation is killed after every change of the segment") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL queues, repairs");
    for (const auto* list : {&queue_operations(), &joinable_operations(), &message_operations()}) {
      for (const SyncOperation& operation : *list) kill_every_repair(report, operation);
    }
  }
}

}  // namespace partage::test
