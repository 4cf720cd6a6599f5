#include "tests/stepkill/dict_bench.hpp"

#include <cstdlib>

#include "manager/container/dict_table.hpp"

namespace partage::test {

using kernel::u64;

namespace {

constexpr DictBench::Which all[] = {DictBench::one,          DictBench::eight,       DictBench::handles,
                                    DictBench::referent_a,   DictBench::referent_b,  DictBench::full_one,
                                    DictBench::full_sixteen, DictBench::full_handles};

std::shared_ptr<kernel::Segment> attach(const Image& image) {
  auto segment = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
  segment->client_slot = 1;
  return segment;
}

void repair(kernel::Segment& segment) {
  const DictBench::View v(segment);
  segment.runs().repair();
  kernel::repair_transactions(segment);
  for (const auto which : all) v.dict(which).repair_dead();
  for (std::size_t s = 0; s < kernel::ObjectTable::stripe_count; ++s) {
    kernel::StripeLock(segment, kernel::Objects(segment).stripe(s)).unlock();
  }
}

std::string describe(const BytesView& value) {
  std::string s = text(value);
  for (const ObjectRef ref : value.refs) s += "->" + std::to_string(kernel::index_of(ref));
  return s;
}

}  // namespace

DictBench::DictBench() : fixture_(std::size_t{4} << 20) {
  fixture_.make_dict({.stripes_log2 = 0});
  fixture_.make_dict({.stripes_log2 = 3});
  fixture_.make_dict({.stripes_log2 = 0, .handles = true});
  fixture_.make_dict({});
  fixture_.make_dict({});
  fixture_.make_dict({.split_log2 = 3});
  fixture_.make_dict({.stripes_log2 = 4, .split_log2 = 2});
  fixture_.make_dict({.handles = true, .split_log2 = 2});
  const View v = view_here();
  for (int i = 0; i < 7; ++i) v.put(one, "k" + std::to_string(i), "v" + std::to_string(i));
  v.put(one, "long", std::string(100, 'x'));  // the embedded table is full now
  for (int i = 0; i < 40; ++i) v.put(eight, "key number " + std::to_string(i), std::to_string(i));
  for (int i = 0; i < 6; ++i)
    v.put(eight, std::string(40, 'K') + std::to_string(i), std::string(60 + static_cast<std::size_t>(i), 'y'));
  v.put_handle("a", referent_a);
  v.put_handle("a again", referent_a);
  v.put_handle("b", referent_b);
  v.put(handles, "plain", "value");
  for (int i = 0; i < 5; ++i) v.put(full_one, "k" + std::to_string(i), std::to_string(i));
  v.put(full_one, std::string(60, 'K'), std::string(70, 'v'));
  v.put(full_one, "own run", std::string(3000, 'r'));
  for (int i = 0; i < 7; ++i)
    v.put(full_sixteen, key_of_one_stripe(i), std::string(static_cast<std::size_t>(i) * 9, 's'));
  v.put(full_sixteen, "elsewhere", std::string(30, 'e'));
  v.put_handle("a", referent_a, full_handles);
  v.put_handle("b", referent_b, full_handles);
  v.put(full_handles, "plain", "value");
  // Committed memory is nearly used up, so that a value of two kilobytes makes the segment grow.
  const kernel::Segment& segment = fixture_.segment();
  const u64 top = segment.at<kernel::HeapState>(kernel::heap_offset).top.load();
  v.put(referent_b, "filler", std::string(segment.header().committed.load() - top - 1600, 'f'));
  REQUIRE(verify(v) == "");
}

std::string DictBench::key_of_one_stripe(int n) {
  for (int i = 0;; ++i) {
    std::string key = "key " + std::to_string(i);
    if (kernel::dict::Key(view(key)).hash() >> 60 == 5 && n-- == 0) return key;
  }
}

DictBench::State DictBench::dump(const View& v) {
  State state;
  for (const auto which : all) {
    kernel::ByteTable keys, values;
    v.dict(which).snapshot(&keys, &values);
    Pairs pairs;
    for (std::size_t i = 0; i < keys.size(); ++i) pairs.emplace_back(text(keys[i]), describe(values[i]));
    state.push_back(std::move(pairs));
  }
  return state;
}

std::string DictBench::verify(const View& v) {
  std::vector<u64> runs;
  std::map<kernel::u32, u64> counts;
  for (const auto which : all) {
    if (std::string problem = v.dict(which).verify(runs); !problem.empty()) return problem;
    kernel::ByteTable values;
    v.dict(which).snapshot(nullptr, &values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const ObjectRef ref : values[i].refs) ++counts[kernel::index_of(ref)];
    }
  }
  for (const auto which : all) {
    const u64 expected = counts[kernel::index_of(v.ref(which))];
    if (v.slot(which).count.load() != expected) return "a reference count that is not the number of references";
  }
  return ContainerFixture::verify(v.segment(), std::move(runs));
}

Subject DictBench::subject(std::string name, std::function<void(const View&)> operate) {
  kernel::Segment& segment = fixture_.segment();
  Subject s;
  s.name = std::move(name);
  s.image = {{.base = segment.base(),
              .reserved = segment.header().max,
              .fd = segment.object().fd(),
              .used = [](const std::byte* base) {
                return reinterpret_cast<const kernel::SegmentHeader*>(base)->committed.load();
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
  s.operate = [&segment, operate] { operate(View(segment)); };
  s.judge = [before, after, visible](const Image& image) {
    const auto copy = attach(image);
    const View v(*copy);
    repair(*copy);
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt(problem);
    const State now = dump(v);
    const int verdict = now == before ? 0 : now == after ? 1 : 2;
    if (verdict == 2) throw Corrupt("neither the state before nor the state after");
    // And it goes on working.
    v.put(one, "later", "1");
    v.put(eight, "later", std::string(300, 'l'));
    v.put_handle("later", referent_b);
    Bytes key, value;
    if (!v.dict(one).popitem(key, value) || text(key) != "later") throw Corrupt("popitem after the repair");
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt("after going on: " + problem);
    return visible ? verdict : 0;
  };
  s.recover = [](const Image& image) { repair(*attach(image)); };
  return s;
}

void DictBench::run(StepkillReport& report, const std::string& name, const std::function<void(const View&)>& operate,
                    long recoveries) {
  const Subject s = subject(name, operate);
  const Result passed = report.add(pass(s));
  check_atomic(passed);
  check_atomic(report.add(recovery(s, std::max(1L, passed.kills / recoveries))));
}

}  // namespace partage::test
