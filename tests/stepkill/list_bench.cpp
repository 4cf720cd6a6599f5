#include "tests/stepkill/list_bench.hpp"

#include <unistd.h>

#include <map>

namespace partage::test {

using kernel::List;
using kernel::u32;
using kernel::u64;

namespace {

void for_each_list(kernel::Segment& segment, const std::function<void(u32, kernel::ObjectSlot&, const List&)>& fn) {
  kernel::Objects(segment).for_each([&](u32 index, kernel::ObjectSlot& slot) {
    if (kernel::SlotWord::of(slot.state.load()).state == kernel::SlotState::live)
      fn(index, slot, List(segment, slot.body.load()));
  });
}

/// Only what a dead process held: every lock that is taken is more states for a kill in the repair.
void repair(kernel::Segment& segment) {
  kernel::register_list_repair();
  segment.runs().repair();
  kernel::repair_transactions(segment);
  const auto repair_stripe = [&](kernel::Stripe& stripe) {
    if (stripe.mutex.owner_dead()) kernel::StripeLock(segment, stripe).unlock();
  };
  for_each_list(segment, [&](u32, kernel::ObjectSlot&, const List& list) { repair_stripe(list.body().stripe); });
  for (std::size_t s = 0; s < kernel::ObjectTable::stripe_count; ++s) repair_stripe(kernel::Objects(segment).stripe(s));
}

std::string describe(const BytesView& value) {
  std::string s = text(value);
  for (const ObjectRef ref : value.refs) s += "->" + std::to_string(kernel::index_of(ref));
  return s;
}

BytesView packed(const u64& v) {
  return {&v, 8};
}

std::string letters(std::size_t n, char c) {
  return std::string(n, c);
}

}  // namespace

ListBench::ListBench() : fixture_(std::size_t{4} << 20) {
  const auto make = [&](kernel::ListConfig config) {
    ObjectRef ref = 0;
    List list = make_list(fixture_, config, &ref);
    refs_.push_back(ref);
    return list;
  };
  const auto fill = [](const List& list, u64 n) {
    for (u64 i = 0; i < n; ++i) list.append(packed(i));
  };
  fill(make({.packed_size = 8}), 10);
  fill(make({.packed_size = 8}), 14);
  {
    const List list = make({.packed_size = 8});
    fill(list, 62);
    while (list.size() > 8) list.erase(0);
  }
  {
    const List list = make({});
    for (const std::size_t n : {1, 5, 15, 40, 3, 100, 3000, 8, 500, 2, 16})
      append(list, letters(n, static_cast<char>('a' + n % 26)));
  }
  {
    const List list = make({});
    for (int i = 0; i < 6; ++i) append(list, i % 2 == 0 ? letters(50, static_cast<char>('a' + i)) : "in");
  }
  {
    const List list = make({});
    for (int i = 0; i < 60; ++i) append(list, letters(1400, static_cast<char>('a' + i % 26)));
    while (list.size() > 8) list.erase(-1);
    for (int i = 0; i < 6; ++i) list.set(i, view("inline"));
  }
  const List list = make({.handles = true});
  make({});
  make({});
  const u64 first = 77;
  make({.packed_size = 8, .cell = true}).set(0, packed(first));
  make({.packed_size = 8}).set_companion_if_none(refs_[one]);
  const View v = view_here();
  const ObjectRef both[] = {v.ref(one), v.ref(two)};
  list.append(v.handle(one));
  list.append({"both", 4, both});
  list.append(v.handle(two, letters(200, 'z')));
  list.append(view("plain"));
  list.append(v.handle(two));
  // Fill what is committed but for some kilobytes, so that a larger blob makes the segment grow.
  const List filler = make({});
  for (;;) {
    u64 top = 0;
    fixture_.segment().runs().for_each([&](u64 run, std::size_t bytes, bool, kernel::Pool) { top = run + bytes; });
    const u64 left = fixture_.segment().header().committed.load() - top;
    if (left < 3'600) break;
    append(filler, letters(std::min<u64>(left, 40'000) - 1'200, 'f'));
  }
  REQUIRE(verify(v) == "");
}

ListBench::State ListBench::dump(const View& v) {
  State state;
  for_each_list(v.segment(), [&](u32 index, kernel::ObjectSlot&, const List& list) {
    kernel::ByteTable table;
    list.snapshot(table);
    state.push_back({std::to_string(index)});
    for (std::size_t i = 0; i < table.size(); ++i) state.back().push_back(describe(table[i]));
    if (list.companion() != 0) state.back().push_back("companion " + std::to_string(kernel::index_of(list.companion())));
  });
  return state;
}

std::string ListBench::verify(const View& v) {
  std::vector<u64> runs;
  std::map<u32, u64> counted, expected;
  std::string problem;
  for_each_list(v.segment(), [&](u32 index, kernel::ObjectSlot& slot, const List& list) {
    if (std::string p = list.verify(runs); !p.empty()) problem = "list " + std::to_string(index) + ": " + p;
    if (!problem.empty()) return;
    if (list.companion() != 0) ++expected[kernel::index_of(list.companion())];
    kernel::ByteTable table;
    list.snapshot(table);
    for (std::size_t i = 0; i < table.size(); ++i) {
      for (const ObjectRef ref : table[i].refs) ++expected[kernel::index_of(ref)];
    }
    if (slot.count.load() != 0) counted[index] = slot.count.load();
  });
  if (!problem.empty()) return problem;
  if (counted != expected) return "a reference count that is not the number of references";
  return ContainerFixture::verify(v.segment(), std::move(runs));
}

Subject ListBench::subject(std::string name, std::function<void(const View&)> operate) {
  kernel::Segment& segment = fixture_.segment();
  Subject s;
  s.name = std::move(name);
  s.image = {{.base = segment.base(),
              .reserved = segment.header().max,
              .fd = segment.object().fd(),
              .used = [](const std::byte* base) {
                return static_cast<std::size_t>(reinterpret_cast<const kernel::SegmentHeader*>(base)->committed.load());
              }}};
  const View here = view_here();
  const State before = dump(here);
  Mirror saved(s.image);
  saved.take(s.image);
  operate(here);
  const State after = dump(here);
  REQUIRE(verify(here) == "");
  saved.give_back(s.image);
  const bool visible = before != after;
  const auto attach = [](const Image& image) {
    auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
    copy->client_slot = 1;
    return copy;
  };
  s.operate = [this, operate] { operate(view_here()); };
  s.judge = [this, attach, before, after, visible](const Image& image) {
    const auto copy = attach(image);
    const View v(*copy, refs_);
    repair(*copy);
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt(problem);
    const State now = dump(v);
    const int verdict = now == before ? 0 : now == after ? 1 : 2;
    if (verdict == 2) throw Corrupt("neither the state before nor the state after");
    // And it goes on working.
    for_each_list(*copy, [&](u32, kernel::ObjectSlot&, const List& list) {
      const u64 seven = 7;
      if (list.config().cell) {
        Bytes was;
        if (!list.get(0, was) || !list.set(0, packed(seven)) || !list.set(0, was.view())) throw Corrupt("a cell");
        return;
      }
      const auto fresh = list.config().packed_size != 0 ? packed(seven)
                         : list.config().handles        ? v.handle(two)
                                                        : view("a new element, long enough for a blob");
      const auto middle = static_cast<std::ptrdiff_t>(list.size() / 2);
      list.insert(middle, fresh);
      list.append(fresh);
      Bytes out;
      if (!list.pop(middle, out) || !list.erase(-1)) throw Corrupt("pop after the repair");
    });
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt("after going on: " + problem);
    if (dump(v) != now) throw Corrupt("another state after going on");
    return visible ? verdict : 0;
  };
  s.recover = [attach](const Image& image) { repair(*attach(image)); };
  return s;
}

}  // namespace partage::test
