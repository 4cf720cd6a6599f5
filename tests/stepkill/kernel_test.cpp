// Every step of the kernel that changes the segment, killed after every instruction that did, repaired by another process,
// and the repair killed likewise; lock and commit code killed at every instruction.

#include "tests/stepkill/kernel_bench.hpp"

namespace partage::test {
namespace {

using Bench = KernelBench;
using View = KernelBench::View;
using kernel::Change;
using kernel::Pool;
using kernel::Transaction;
using kernel::u64;

struct Operation {
  const char* name;
  std::function<void(const View&)> run;
  std::function<void(const View&)> arrange{};
};

/// Little committed memory is left, so that the next larger run makes the segment grow.
void use_up_committed(const View& v) {
  const u64 left = v.segment().header().committed.load() - v.heap().top.load();
  if (left > 400) v.runs().acquire(left - 300, v.list(20));
}

void transaction(const View& v, bool large) {
  Transaction t(v.segment());
  t.lock({&v.stripe(0), &v.stripe(1), &v.stripe(2)});
  for (std::size_t i = 0; i < Bench::stripe_count; ++i) {
    kernel::Stripe& s = v.stripe(i);
    Change& c = t.change(s);
    c.put(s.body[1], 50 + i);
    c.put(s.body[2], 60 + i);
    if (!large) continue;
    // More words than a stripe's own log holds, a run taken and one given back.
    const Change::Run run = c.take_run(400);
    auto* words = &v.segment().at<kernel::Word>(run.offset);
    run.draft.zero(words, 10);
    for (std::size_t k = 0; k < 8; ++k) c.put(words[k], k);
    c.put(v.runs().link(run.offset), 0);
    c.retire_run(s.body[3].load());
    c.put(s.body[3], run.offset);
  }
  t.commit();
}

/// What storing a handle does: an element and the reference count, in one commit.
void count(const View& v, std::size_t object, int times, u64 hand_over_to = 0) {
  kernel::ReferenceChanges references(v.segment());
  for (int i = 0; i < times; ++i) references.add(v.object(object));
  for (int i = 0; i > times; --i) {
    if (hand_over_to != 0) {
      references.hand_over(v.object(object), hand_over_to);
    } else {
      references.drop(v.object(object));
    }
  }
  Transaction t(v.segment());
  t.lock({&v.stripe(0)});
  references.lock(t);
  t.change(v.stripe(0)).put(v.stripe(0).body[2], v.stripe(0).body[2].load() + static_cast<u64>(times));
  references.plan(t);
  t.commit();
  references.committed();
}

void release_holders(const View& v) {
  kernel::Objects objects(v.segment());
  for (const u64 holder : {1u, 2u}) objects.release(v.object(0), holder);
}

const std::vector<Operation>& heap_operations() {
  static const std::vector<Operation> list = {
      {"heap acquire, a hole that fits", [](const View& v) { v.runs().acquire(1000, v.list(Bench::free_for_test)); }},
      {"heap acquire, a part of a hole", [](const View& v) { v.runs().acquire(200, v.list(Bench::free_for_test)); }},
      {"heap acquire, a part of the largest", [](const View& v) { v.runs().acquire(2500, v.list(Bench::full_list)); }},
      {"heap acquire, from top", [](const View& v) { v.runs().acquire(6000, v.list(Bench::free_for_test)); }},
      {"heap acquire, the segment grows", [](const View& v) { v.runs().acquire(9000, v.list(Bench::free_for_test)); },
       use_up_committed},
      {"heap acquire, pool hit",
       [](const View& v) { v.runs().acquire(832, v.list(Bench::free_for_test), Pool::dict_body); }},
      {"heap acquire, pool miss",
       [](const View& v) { v.runs().acquire(320, v.list(Bench::free_for_test), Pool::list_body); }},
      {"heap release, no free neighbour", [](const View& v) { v.runs().release_head(v.list(Bench::alone)); }},
      {"heap release, head of a list", [](const View& v) { v.runs().release_head(v.list(Bench::full_list)); }},
      {"heap release, merge with the right", [](const View& v) { v.runs().release_head(v.list(Bench::left_of_hole)); }},
      {"heap release, merge with the left", [](const View& v) { v.runs().release_head(v.list(Bench::right_of_hole)); }},
      {"heap release, merge with both", [](const View& v) { v.runs().release_head(v.list(Bench::between_holes)); }},
      {"heap release, back to top", [](const View& v) { v.runs().release_head(v.list(Bench::last_before_top)); }},
      {"heap release, hole and top", [](const View& v) { v.runs().release_head(v.list(Bench::last_before_top)); },
       [](const View& v) { v.runs().release_head(v.list(Bench::hole_and_top)); }},
      {"heap release, to its pool", [](const View& v) { v.runs().release_head(v.list(Bench::pool_body)); }},
  };
  return list;
}

const std::vector<Operation>& boost_operations() {
  static const std::vector<Operation> list = {
      {"boost allocate, a part of a hole",
       [](const View& v) {
         v.segment().client_slot = Bench::owner;
         (void)v.segment().manager()->allocate(333);
       }},
      {"boost allocate, the segment grows",
       [](const View& v) {
         v.segment().client_slot = Bench::owner;
         (void)v.segment().manager()->allocate(20'000);
       },
       use_up_committed},
      {"boost deallocate",
       [](const View& v) { v.segment().manager()->deallocate(v.segment().base() + v.root().private_run.load()); }},
      {"boost allocation_command",
       [](const View& v) {
         v.segment().client_slot = Bench::owner;
         SegmentManager::size_type got = 50;
         int* reuse = nullptr;
         (void)v.segment().manager()->allocation_command<int>(boost::interprocess::allocate_new, 10, got, reuse);
       }},
  };
  return list;
}

const std::vector<Operation>& transaction_operations() {
  static const std::vector<Operation> list = {
      {"transaction over 3 stripes", [](const View& v) { transaction(v, false); }},
      {"transaction over 3 stripes, with runs", [](const View& v) { transaction(v, true); }},
      {"transaction, a reference stored", [](const View& v) { count(v, 0, 1); }},
      {"transaction, a reference handed over", [](const View& v) { count(v, 0, -1, 7); },
       [](const View& v) { count(v, 0, 2); }},
      {"transaction, the last reference dropped", [](const View& v) { count(v, 0, -1); },
       [](const View& v) {
         count(v, 0, 1);
         release_holders(v);
       }},
  };
  return list;
}

const std::vector<Operation>& object_operations() {
  static const std::vector<Operation> list = {
      {"object create", [](const View& v) { (void)v.make_object("new", "its name"); }},
      {"object create, anonymous", [](const View& v) { (void)v.make_object(std::string(300, 's'), ""); }},
      {"object create, the table grows", [](const View& v) { (void)v.make_object("new", "its name"); },
       [](const View& v) {
         // As if every slot of the first chunk had been used.
         for (std::size_t i = 0; i < kernel::ObjectTable::stripe_count; ++i) {
           kernel::Stripe& s = kernel::Objects(v.segment()).stripe(i);
           const kernel::StripeLock lock(v.segment(), s);
           Change c(v.segment(), s);
           c.put(s.body[kernel::ObjectTable::slots_used],
                 kernel::ObjectTable::first_chunk_slots / kernel::ObjectTable::stripe_count);
           c.commit();
         }
       }},
      {"object acquire", [](const View& v) { kernel::Objects(v.segment()).acquire(v.object(0), 100); }},
      {"object release, not the last", [](const View& v) { kernel::Objects(v.segment()).release(v.object(0), 2); }},
      {"object release, the last", [](const View& v) { kernel::Objects(v.segment()).release(v.object(1), 1); }},
  };
  return list;
}

void run_all(const char* title, const std::vector<Operation>& operations) {
  StepkillReport report(title);
  for (const Operation& op : operations) {
    Bench bench;
    bench.run(report, op.name, op.run, 3, op.arrange);
  }
}

void real_kills(StepkillReport& report, const std::vector<Operation>& operations, const Selection& selection,
                std::initializer_list<const char*> names = {}) {
  for (const Operation& op : operations) {
    if (names.size() != 0 && std::ranges::find(names, std::string_view(op.name)) == names.end()) continue;
    Bench bench;
    check_atomic(report.add(real(bench.subject(op.name, op.run, op.arrange), selection)));
  }
}

}  // namespace

TEST_CASE("kernel: the heap, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_all("STEPKILL heap", heap_operations());
}

TEST_CASE("kernel: Boost's side of the heap, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_all("STEPKILL boost", boost_operations());
}

TEST_CASE("kernel: transactions, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_all("STEPKILL transactions", transaction_operations());
}

TEST_CASE("kernel: objects, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  run_all("STEPKILL objects", object_operations());
}

TEST_CASE("kernel: real SIGKILLs at every change and at every instruction of lock, commit and unlock") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL kernel, real kills");
  CodeSet code = mutex_code();
  code.add_functions_named("kernel::RobustMutex::try_acquire").add_functions_named("kernel::RobustMutex::release");
  code.add_functions_named("kernel::Runs::commit").add_functions_named("kernel::apply_log");
  const Selection selection = Selection::changed_and(code);
  real_kills(report, heap_operations(), selection, {"heap acquire, a part of a hole", "heap release, merge with both"});
  real_kills(report, boost_operations(), selection, {"boost deallocate"});
  real_kills(report, transaction_operations(), selection, {"transaction over 3 stripes"});
  real_kills(report, object_operations(), selection, {"object release, the last"});
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("kernel: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL kernel, every instruction");
    for (const auto* operations :
         {&heap_operations(), &boost_operations(), &transaction_operations(), &object_operations()}) {
      real_kills(report, *operations, Selection::every());
    }
  }
}

}  // namespace partage::test
