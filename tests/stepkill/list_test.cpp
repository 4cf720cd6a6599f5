// Every mutating operation of the byte-level list, killed after every instruction that changed the segment, repaired by
// another process, and the repair killed likewise.
#include "manager/container/list_words.hpp"
#include "tests/stepkill/list_bench.hpp"

namespace partage::test {
namespace {

using kernel::List;
using kernel::u32;
using kernel::u64;
using View = ListBench::View;
using Texts = std::vector<std::string>;

constexpr auto numbers = ListBench::numbers, tight = ListBench::tight, sparse = ListBench::sparse;
constexpr auto strings = ListBench::texts, crowded = ListBench::crowded, shrunken = ListBench::shrunken;
constexpr auto handles = ListBench::handles, one = ListBench::one, two = ListBench::two;

const u64 some[] = {1000, 1001, 1002, 1003, 1004, 1005};
BytesView packed(std::size_t i = 0) {
  return {&some[i], 8};
}
std::vector<BytesView> packed_values(std::size_t n) {
  std::vector<BytesView> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(packed(i));
  return out;
}
std::string blob(std::size_t n = 60) {
  return std::string(n, 'B');
}
void pop(const List& list, std::ptrdiff_t i) {
  Bytes out;
  list.pop(i, out);
}
void permute(const List& list) {
  kernel::ByteTable table;
  const u64 version = list.snapshot(table);
  std::vector<u32> order(table.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<u32>((i * 7 + 3) % order.size());
  list.permute_if(version, order);
}
void modify(const List& list, std::ptrdiff_t i, BytesView value) {
  list.modify(i, [&](BytesView, Bytes& next) { next.assign(value); });
}

/// What the registry does with an object that has become garbage, without its rules.
void take_apart(const View& v, ListBench::Which which) {
  kernel::Objects objects(v.segment());
  const u32 index = kernel::index_of(v.ref(which));
  kernel::Stripe& home = objects.stripe_of(index);
  kernel::ObjectSlot& slot = *objects.find(index);
  const kernel::StripeLock lock(v.segment(), home);
  kernel::Change change(v.segment(), home);
  v.list(which).dismantle(change);
  change.retire_run(slot.schema.load());
  auto word = kernel::SlotWord::of(slot.state.load());
  word.state = kernel::SlotState::free;
  change.put(slot.state, word.word());
  change.put(slot.holders[0], 0);
  change.put(slot.link, home.body[kernel::ObjectTable::free_list].load());
  change.put(home.body[kernel::ObjectTable::free_list], u64{index} + 1);
  change.commit();
}

void create(const View& v) {
  kernel::Objects(v.segment()).create({kernel::ObjectKind::list, 0, "test", "", 1, [](kernel::Change& c) {
                                         return List::build(c, {});
                                       }});
}

struct Operation {
  const char* name;
  std::function<void(const View&)> run;
};

const std::vector<Operation>& operations() {
  static const std::vector<Operation> list = {
      {"list append, packed", [](const View& v) { v.list(numbers).append(packed()); }},
      {"list append, packed, ring grows", [](const View& v) { v.list(tight).append(packed()); }},
      {"list append, inline, first ring", [](const View& v) { v.list(one).append(view("1")); }},
      {"list append, inline", [](const View& v) { append(v.list(strings), "1"); }},
      {"list append, blob", [](const View& v) { append(v.list(strings), blob()); }},
      {"list append, own run", [](const View& v) { append(v.list(strings), blob(2100)); }},
      {"list append, blob, ring and arena are first", [](const View& v) { append(v.list(two), blob()); }},
      {"list append, own run, segment grows", [](const View& v) { append(v.list(strings), blob(3600)); }},
      {"list append, blob, ring and arena grow", [](const View& v) { append(v.list(crowded), blob(1200)); }},
      {"list extend, packed", [](const View& v) { v.list(numbers).extend(packed_values(4)); }},
      {"list extend, packed, ring grows", [](const View& v) { v.list(numbers).extend(packed_values(6)); }},
      {"list extend, inline and blobs",
       [](const View& v) {
         v.list(strings).extend(views({"1", blob(), blob(90)}));
       }},
      {"list extend, blobs, ring grows",
       [](const View& v) {
         v.list(crowded).extend(views({"1", blob(), blob(2100), blob(700)}));
       }},
      {"list insert, packed, front", [](const View& v) { v.list(numbers).insert(0, packed()); }},
      {"list insert, packed, nearer the front", [](const View& v) { v.list(numbers).insert(3, packed()); }},
      {"list insert, packed, nearer the back", [](const View& v) { v.list(numbers).insert(7, packed()); }},
      {"list insert, packed, back", [](const View& v) { v.list(numbers).insert(10, packed()); }},
      {"list insert, packed, ring grows", [](const View& v) { v.list(tight).insert(4, packed()); }},
      {"list insert, blob, front", [](const View& v) { v.list(strings).insert(0, view(blob())); }},
      {"list insert, blob, nearer the front", [](const View& v) { v.list(strings).insert(4, view(blob())); }},
      {"list insert, inline, nearer the front", [](const View& v) { v.list(strings).insert(1, view("inline")); }},
      {"list insert, blob, nearer the back", [](const View& v) { v.list(strings).insert(7, view(blob())); }},
      {"list insert, own run, nearer the back", [](const View& v) { v.list(strings).insert(9, view(blob(2100))); }},
      {"list insert, blob, arena grows", [](const View& v) { v.list(strings).insert(2, view(blob(2000))); }},
      {"list insert, blob, ring grows", [](const View& v) { v.list(crowded).insert(2, view(blob())); }},
      {"list pop, packed, back", [](const View& v) { pop(v.list(numbers), -1); }},
      {"list pop, packed, front", [](const View& v) { pop(v.list(numbers), 0); }},
      {"list pop, packed, nearer the front", [](const View& v) { pop(v.list(numbers), 3); }},
      {"list pop, packed, nearer the back", [](const View& v) { pop(v.list(numbers), 7); }},
      {"list pop, packed, ring shrinks", [](const View& v) { pop(v.list(sparse), -1); }},
      {"list pop, packed, middle, ring shrinks", [](const View& v) { pop(v.list(sparse), 4); }},
      {"list pop, inline, back and front", [](const View& v) { pop(v.list(strings), 0); }},
      {"list pop, blob, back", [](const View& v) { pop(v.list(strings), -1); }},
      {"list pop, blob, nearer the front", [](const View& v) { pop(v.list(strings), 3); }},
      {"list pop, inline, nearer the front", [](const View& v) { pop(v.list(strings), 2); }},
      {"list pop, blob, nearer the back", [](const View& v) { pop(v.list(strings), 8); }},
      {"list pop, own run, nearer the back", [](const View& v) { pop(v.list(strings), 6); }},
      {"list pop, ring shrinks, blobs move", [](const View& v) { pop(v.list(shrunken), -1); }},
      {"list set, packed", [](const View& v) { v.list(numbers).set(4, packed()); }},
      {"list set, inline", [](const View& v) { v.list(strings).set(0, view("another")); }},
      {"list set, inline to blob", [](const View& v) { v.list(strings).set(0, view(blob())); }},
      {"list set, blob to inline", [](const View& v) { v.list(strings).set(3, view("inline")); }},
      {"list set, blob to blob of its class", [](const View& v) { v.list(strings).set(3, view(blob(40))); }},
      {"list set, own run to own run", [](const View& v) { v.list(strings).set(6, view(blob(2100))); }},
      {"list step, one word",
       [](const View& v) {
         u64 before = 0;
         List::step_word(v.segment(), v.list(numbers).body(), 4, before, [](u64 x) { return x + 100; });
       }},
      {"list modify, packed", [](const View& v) { modify(v.list(numbers), 4, packed()); }},
      {"list modify, blob", [](const View& v) { modify(v.list(strings), 5, view(blob())); }},
      {"list assign slice, same size, in place",
       [](const View& v) {
         v.list(strings).assign_slice({.start = 2, .stop = 5}, views({"x", blob(), "y"}));
       }},
      {"list assign slice, step -3",
       [](const View& v) {
         v.list(strings).assign_slice({.step = -3}, views({"x", blob(), "y", blob(2100)}));
       }},
      {"list assign slice, longer",
       [](const View& v) {
         v.list(strings).assign_slice({.start = 2, .stop = 4}, views({"x", blob(), "y"}));
       }},
      {"list assign slice, shorter",
       [](const View& v) {
         v.list(strings).assign_slice({.start = 2, .stop = 9}, views({"x", blob()}));
       }},
      {"list assign slice, all of it", [](const View& v) { v.list(numbers).assign_slice({}, packed_values(3)); }},
      {"list assign slice, nothing to all of it", [](const View& v) { v.list(strings).assign_slice({}, {}); }},
      {"list erase slice, front", [](const View& v) { v.list(strings).erase_slice({.stop = 4}); }},
      {"list erase slice, back", [](const View& v) { v.list(strings).erase_slice({.start = 4}); }},
      {"list erase slice, middle", [](const View& v) { v.list(strings).erase_slice({.start = 2, .stop = 8}); }},
      {"list erase slice, step 2", [](const View& v) { v.list(strings).erase_slice({.step = 2}); }},
      {"list erase slice, packed, ring shrinks", [](const View& v) { v.list(sparse).erase_slice({.start = 5}); }},
      {"list reverse, packed", [](const View& v) { v.list(numbers).reverse(); }},
      {"list reverse, variable", [](const View& v) { v.list(strings).reverse(); }},
      {"list permute, packed", [](const View& v) { permute(v.list(numbers)); }},
      {"list permute, variable", [](const View& v) { permute(v.list(strings)); }},
      {"list reorder",
       [](const View& v) {
         v.list(crowded).reorder([](const kernel::ByteTable&) { return std::vector<u32>{5, 3, 1, 0, 2, 4}; });
       }},
      {"list repeat, packed", [](const View& v) { v.list(numbers).repeat(3); }},
      {"list repeat, variable", [](const View& v) { v.list(crowded).repeat(2); }},
      {"list clear, packed", [](const View& v) { v.list(numbers).clear(); }},
      {"list clear, variable", [](const View& v) { v.list(strings).clear(); }},
      {"list drop_some", [](const View& v) { v.list(strings).drop_some(6); }},
      {"list erase_if",
       [](const View& v) {
         kernel::ByteTable t;
         const List l = v.list(strings);
         l.erase_if(l.snapshot(t), 5);
       }},
      {"list of handles, append", [](const View& v) { v.list(handles).append(v.handle(one)); }},
      {"list of handles, append with bytes",
       [](const View& v) { v.list(handles).append(v.handle(one, "and these bytes")); }},
      {"list of handles, append to its own", [](const View& v) { v.list(handles).append(v.handle(handles)); }},
      {"list of handles, extend, ring grows",
       [](const View& v) {
         v.list(handles).extend(std::vector<BytesView>{v.handle(one), view("x"), v.handle(two, "b")});
       }},
      {"list of handles, insert in the middle", [](const View& v) { v.list(handles).insert(2, v.handle(one)); }},
      {"list of handles, insert in front", [](const View& v) { v.list(handles).insert(0, v.handle(one)); }},
      {"list of handles, set", [](const View& v) { v.list(handles).set(0, v.handle(two)); }},
      {"list of handles, set, blob to plain", [](const View& v) { v.list(handles).set(1, view("plain")); }},
      {"list of handles, modify", [](const View& v) { modify(v.list(handles), 1, v.handle(one, "modified")); }},
      {"list of handles, pop back", [](const View& v) { pop(v.list(handles), -1); }},
      {"list of handles, pop in the middle", [](const View& v) { pop(v.list(handles), 1); }},
      {"list of handles, erase in front", [](const View& v) { v.list(handles).erase(0); }},
      {"list of handles, assign slice",
       [](const View& v) {
         v.list(handles).assign_slice({.start = 1, .stop = 3},
                                      std::vector<BytesView>{v.handle(one), view("x"), v.handle(two, "b")});
       }},
      {"list of handles, erase slice", [](const View& v) { v.list(handles).erase_slice({.step = 2}); }},
      {"list of handles, repeat", [](const View& v) { v.list(handles).repeat(2); }},
      {"list of handles, clear", [](const View& v) { v.list(handles).clear(); }},
      {"list of handles, drop_some", [](const View& v) { v.list(handles).drop_some(4); }},
      {"cell set", [](const View& v) { v.list(ListBench::cell).set(0, packed()); }},
      {"cell add", [](const View& v) { v.list(ListBench::cell).body().value.cell.fetch_add(std::uint32_t{5}); }},
      {"cell modify", [](const View& v) { modify(v.list(ListBench::cell), 0, packed()); }},
      {"companion set", [](const View& v) { v.list(numbers).set_companion_if_none(v.ref(two)); }},
      {"companion set, list of handles", [](const View& v) { v.list(handles).set_companion_if_none(v.ref(two)); }},
      {"companion dropped", [](const View& v) { v.list(ListBench::owner).drop_companion(); }},
      {"list created", create},
      {"list taken apart", [](const View& v) { take_apart(v, strings); }},
  };
  return list;
}

const Operation& operation(const std::string& name) {
  const auto it = std::ranges::find_if(operations(), [&](const Operation& op) { return op.name == name; });
  REQUIRE(it != operations().end());
  return *it;
}

}  // namespace

// In two parts, for two cores.
void run_part(std::size_t part) {
  ListBench bench;
  StepkillReport report("LIST TOTAL");
  const auto run = [&](const char* name, const std::function<void(const View&)>& operate) {
    const Subject subject = bench.subject(name, operate);
    const Result passed = pass(subject);
    check_atomic(report.add(passed));
    check_atomic(report.add(recovery(subject, passed.kills / 2 + 1)));
  };
  for (std::size_t i = part; i < operations().size(); i += 2) run(operations()[i].name, operations()[i].run);
  if (part == 0) return;
  take_apart(bench.view_here(), ListBench::crowded);
  run("list created in the body of another", create);
}

TEST_CASE("list: every operation is killed after every change of the segment, and its repair in some places (1)") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_part(0);
}
TEST_CASE("list: every operation is killed after every change of the segment, and its repair in some places (2)") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_part(1);
}

TEST_CASE("list: real SIGKILLs at every change and every instruction of lock and commit and unlock") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  ListBench bench;
  StepkillReport report("LIST REAL TOTAL");
  CodeSet code = mutex_code();
  code.add_functions_named("kernel::RobustMutex::try_acquire").add_functions_named("kernel::RobustMutex::release");
  code.add_functions_named("kernel::Change::commit").add_functions_named("kernel::apply_log");
  for (const char* name :
       {"list append, inline", "list append, packed", "list pop, packed, front", "list set, packed",
        "list insert, inline, nearer the front", "list pop, blob, nearer the back", "list of handles, append"}) {
    const Operation& op = operation(name);
    check_atomic(report.add(real(bench.subject(op.name, op.run), Selection::changed_and(code))));
  }
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("list: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    ListBench bench;
    StepkillReport report("LIST EVERY INSTRUCTION");
    for (const Operation& op : operations())
      check_atomic(report.add(real(bench.subject(op.name, op.run), Selection::every())));
  }
  TEST_CASE("list: the repair of every operation is killed after every change of the segment") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    ListBench bench;
    StepkillReport report("LIST REPAIR TOTAL");
    for (const Operation& op : operations()) check_atomic(report.add(recovery(bench.subject(op.name, op.run), 8)));
  }
}

}  // namespace partage::test
