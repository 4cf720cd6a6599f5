#include "tests/stepkill/kernel_bench.hpp"

#include <unistd.h>

#include <partage/error.hpp>

namespace partage::test {

using kernel::Change;
using kernel::Pool;
using kernel::Runs;
using kernel::Stripe;
using kernel::u32;
using kernel::u64;

ObjectRef KernelBench::View::make_object(std::string_view schema, std::string_view name) const {
  return kernel::Objects(segment_).create(
      {kernel::ObjectKind::dict, 0, schema, name, 1, [](Change& c) { return c.take_run(200).offset; }});
}

KernelBench::KernelBench() : fixture_(std::size_t{4} << 20) {
  kernel::Segment& segment = fixture_.segment();
  segment.client_slot = 0;
  auto* root = new (segment.heap().allocate(sizeof(Root))) Root;
  const kernel::Draft draft(root, sizeof *root);
  draft.zero(root->lists, list_count);
  draft.zero(&root->private_run, 1);
  for (Stripe& s : root->stripes) draft.zero(&s.commit, (sizeof s - offsetof(Stripe, commit)) / 8);
  root_ = segment.offset_of(root);
  objects_.push_back(view_here().make_object("the first", "name"));
  objects_.push_back(view_here().make_object("the second", ""));
  const View v = view_here();
  kernel::Objects objects(segment);
  objects.acquire(objects_[0], 2);

  Runs runs = v.runs();
  runs.acquire(100, v.list(full_list));
  runs.acquire(300, v.list(full_list));
  // | left | hole | right |, and | hole | between | hole | keeper |, with runs that stay in between.
  runs.acquire(500, v.list(left_of_hole));
  runs.acquire(1000, v.list(10));
  runs.acquire(500, v.list(right_of_hole));
  runs.acquire(64, v.list(11));
  runs.acquire(2000, v.list(12));
  runs.acquire(700, v.list(between_holes));
  runs.acquire(2000, v.list(13));
  runs.acquire(64, v.list(14));
  runs.acquire(900, v.list(alone));
  runs.acquire(64, v.list(15));
  runs.acquire(832, v.list(pool_body), Pool::dict_body);
  runs.acquire(832, v.list(16), Pool::dict_body);
  runs.acquire(4000, v.list(17));
  runs.acquire(64, v.list(18));
  for (const std::size_t i : {10u, 12u, 13u, 16u, 17u}) runs.release_head(v.list(i));
  segment.client_slot = owner;
  draft.set(root->private_run, segment.offset_of(segment.heap().allocate(150)));
  (void)segment.heap().allocate(400);
  segment.client_slot = 0;
  for (std::size_t i = 0; i < stripe_count; ++i) {
    kernel::StripeLock lock(segment, v.stripe(i));
    Change c(segment, v.stripe(i));
    const u64 run = c.take_run(256).offset;
    c.put(runs.link(run), 0);
    c.put(v.stripe(i).body[3], run);
    c.put(v.stripe(i).body[1], 10 + i);
    c.commit();
  }
  runs.acquire(800, v.list(hole_and_top));
  runs.acquire(800, v.list(last_before_top));
  REQUIRE(verify(v) == "");
}

std::vector<std::string> KernelBench::dump(const View& v) {
  std::vector<std::string> state;
  Runs runs = v.runs();
  const auto number = [](u64 n) { return std::to_string(n) + " "; };
  for (const auto& list : v.root().lists) {
    std::string s = "list ";
    for (u64 run = list.load(); run != 0; run = runs.link(run).load()) s += number(run);
    state.push_back(s);
  }
  for (const Stripe& s : v.root().stripes) {
    std::string words = "stripe ";
    for (std::size_t i = 1; i < Stripe::body_words; ++i) words += number(s.body[i].load());
    state.push_back(words);
  }
  std::string privates = "private ";
  runs.for_each([&](u64 run, std::size_t bytes, bool free, Pool) {
    if (!free && runs.owner_slot(run) != 0) privates += number(run) + number(bytes) + number(runs.owner_slot(run));
  });
  state.push_back(privates);
  // Objects in no order: which slot a new one gets depends on the thread.
  std::vector<std::string> objects;
  kernel::Objects(v.segment()).for_each([&](u32, kernel::ObjectSlot& slot) {
    const auto word = kernel::SlotWord::of(slot.state.load());
    if (word.state == kernel::SlotState::free) return;
    std::string s = "object ";
    for (const u64 run : {slot.schema.load(), slot.name.load()}) {
      if (run == 0) continue;
      const auto* words = &v.segment().at<kernel::Word>(run);
      std::string text(words[0].load(), ' ');
      kernel::copy_out(text.data(), words + 1, text.size());
      s += "'" + text + "' ";
    }
    s += number(word.generation) + number(static_cast<u64>(word.state)) + number(slot.count.load());
    for (const auto& w : slot.holders) s += number(w.load());
    objects.push_back(s);
  });
  std::ranges::sort(objects);
  state.insert(state.end(), objects.begin(), objects.end());
  return state;
}

std::string KernelBench::verify(const View& v) {
  Runs runs = v.runs();
  if (v.heap().commit.load() != 0) return "the heap's log is not clean";
  std::vector<u64> owned{v.root_offset()};
  for (const auto& list : v.root().lists) {
    for (u64 run = list.load(); run != 0; run = runs.link(run).load()) owned.push_back(run);
  }
  runs.for_each([&](u64 run, std::size_t, bool free, Pool) {
    if (!free && runs.owner_slot(run) != 0) owned.push_back(run);
  });
  const auto clean = [](const Stripe& s) {
    return s.commit.load() == 0 && s.pend.load() == 0 && s.spill.load() == 0 && !kernel::Window::is_open(s);
  };
  for (const Stripe& s : v.root().stripes) {
    if (!clean(s)) return "a stripe is not clean";
    if (s.body[3].load() != 0) owned.push_back(s.body[3].load());
  }
  const kernel::Objects objects(v.segment());
  for (std::size_t i = 0; i < kernel::ObjectTable::stripe_count; ++i) {
    if (!clean(objects.stripe(i))) return "a registry stripe is not clean";
    for (u64 link = objects.stripe(i).body[kernel::ObjectTable::dying_list].load(); link != 0;) {
      const kernel::ObjectSlot& slot = *objects.find(static_cast<u32>(link - 1));
      if (kernel::SlotWord::of(slot.state.load()).state != kernel::SlotState::dying)
        return "an object on the wrong list";
      link = slot.link.load();
    }
  }
  objects.for_each([&](u32, kernel::ObjectSlot& slot) {
    if (slot.body.load() != 0) owned.push_back(slot.body.load());
  });
  return ContainerFixture::verify(v.segment(), std::move(owned));
}

void KernelBench::repair(const View& v) {
  v.runs().repair();
  kernel::repair_transactions(v.segment());
  const auto repair_dead = [&](Stripe& s) {
    if (s.mutex.owner_dead()) kernel::StripeLock(v.segment(), s).unlock();
  };
  for (Stripe& s : v.root().stripes) repair_dead(s);
  auto& table = v.segment().at<kernel::ObjectTable>(v.segment().header().registry);
  for (Stripe& s : table.stripes) repair_dead(s);
  repair_dead(table.directory);
}

Subject KernelBench::subject(std::string name, std::function<void(const View&)> operate,
                             const std::function<void(const View&)>& arrange) {
  kernel::Segment& segment = fixture_.segment();
  const View here = view_here();
  if (arrange) arrange(here);
  Subject s;
  s.name = std::move(name);
  s.image = {{.base = segment.base(),
              .reserved = segment.header().max,
              .fd = segment.object().fd(),
              .used = [](const std::byte* base) {
                return reinterpret_cast<const kernel::SegmentHeader*>(base)->committed.load();
              }}};
  REQUIRE(verify(here) == "");
  const auto before = dump(here);
  Mirror saved(s.image);
  saved.take(s.image);
  operate(here);
  const auto after = dump(here);
  REQUIRE(verify(here) == "");
  REQUIRE((before != after));
  saved.give_back(s.image);
  s.operate = [&segment, operate, root = root_, objects = objects_] { operate(View(segment, root, objects)); };
  s.judge = [before, after, root = root_, objects = objects_](const Image& image) {
    const auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
    const View v(*copy, root, objects);
    repair(v);
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt(problem);
    const auto now = dump(v);
    const int verdict = now == before ? 0 : now == after ? 1 : 2;
    if (verdict == 2) throw Corrupt("neither the state before nor the state after");
    // And it goes on working.
    v.runs().acquire(3000, v.list(empty_list));
    {
      kernel::Transaction t(*copy);
      t.lock({&v.stripe(0), &v.stripe(1), &v.stripe(2)});
      for (std::size_t i = 0; i < stripe_count; ++i) t.change(v.stripe(i)).put(v.stripe(i).body[1], 99);
      t.commit();
    }
    const ObjectRef ref = v.make_object("later", "later");
    if (!kernel::Objects(*copy).acquire(ref, 9)) throw Corrupt("a new object has gone");
    if (const std::string problem = verify(v); !problem.empty()) throw Corrupt("after going on: " + problem);
    return verdict;
  };
  s.recover = [root = root_, objects = objects_](const Image& image) {
    const auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
    repair(View(*copy, root, objects));
  };
  return s;
}

void KernelBench::run(StepkillReport& report, const std::string& name, const std::function<void(const View&)>& operate,
                      long recoveries, const std::function<void(const View&)>& arrange) {
  const Subject s = subject(name, operate, arrange);
  const Result passed = report.add(pass(s));
  check_atomic(passed);
  check_atomic(report.add(recovery(s, std::max(1L, passed.kills / recoveries))));
}

}  // namespace partage::test
