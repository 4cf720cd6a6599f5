// Objects, names, clients and the work of those who clear up: killed after every instruction that changed the segment,
// finished by another process, and that process killed likewise.
//
// What is to be atomic is what remains once everything is repaired, the dead are reaped and the dying are finished: an
// object is there with all it needs, or has never been. Reaping and collecting are many commits; there the end must
// always be the same.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <partage/error.hpp>
#include <sstream>

#include "manager/container/lock.hpp"
#include "manager/container/semaphore.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/registry/transit.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/stepkill.hpp"
#include "tests/support/stepkill_check.hpp"
#include "tests/support/stepkill_report.hpp"

namespace partage::test {
namespace {

using kernel::ClientId;
using kernel::Clients;

/// Everything the registry can see, as text.
std::string dump(kernel::Segment& segment) {
  std::ostringstream out;
  Hosting at(segment);
  for (const ObjectInfo& o : at.registry().objects()) {
    out << kernel::index_of(o.id) << '/' << kernel::generation_of(o.id) << ' ' << o.kind << ' ' << o.name << ' '
        << o.types << ' ' << o.size << ' ' << o.references << ' ' << at.registry().sound_name(o.id)
        << (o.quarantined ? " quarantined" : "") << '\n';
  }
  for (const kernel::ClientInfo& c : Clients(segment).list()) {
    out << "client " << c.id.slot << '/' << c.id.generation << ' ' << static_cast<int>(c.state)
        << (c.ended ? " ended" : "") << '\n';
  }
  return out.str();
}

void finish(kernel::Segment& segment) {
  kernel::repair_everything(segment);
  kernel::reap_all_dead(segment, kernel::Orphans::take);
  kernel::sweep(segment);
}

template <class Fn>
void in_dying_child(Fn fn) {
  const pid_t pid = fork();
  if (pid == 0) {
    fn();
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
}

class Stage {
 public:
  /// `set` makes the state before the operation.
  template <class Set>
  explicit Stage(Set set) : at_(std::size_t{2} << 20) {
    list = at_->new_list();
    handles = at_->new_list(true);
    named = at_->new_dict();
    at_->append(list, "an element that is too long to lie inline");
    at_->append_handle(handles, list);
    at_->registry().publish("named", named);
    set(*this);
  }

  RegistryFixture& at() { return at_; }
  Hosting& operator*() { return *at_; }
  Hosting* operator->() { return &*at_; }

  /// A client slot whose process has died and which nobody has reaped.
  ClientId dead_client(const std::function<void()>& life) {
    in_dying_child([&] {
      at_.segment().client_slot = 0;
      Clients(at_.segment()).attach();
      life();
    });
    return Clients(at_.segment()).list().back().id;
  }

  Subject subject(std::string name, std::function<void(Hosting&)> operation) {
    kernel::Segment& segment = at_.segment();
    Subject s;
    s.name = std::move(name);
    s.image = {{.base = segment.base(),
                .reserved = segment.header().max,
                .fd = segment.object().fd(),
                .used = [](const std::byte* base) {
                  return reinterpret_cast<const kernel::SegmentHeader*>(base)->committed.load();
                }}};
    Mirror saved(s.image);
    saved.take(s.image);
    finish(segment);
    REQUIRE(at_->verify() == "");
    const std::string before = dump(segment);
    saved.give_back(s.image);
    in_dying_child([&] { operation(*at_); });
    finish(segment);
    const std::string after = dump(segment);
    REQUIRE(at_->verify() == "");
    saved.give_back(s.image);
    // In a copy the victim's pid still is that of a living process, so a slot that it has taken stays.
    operation(*at_);
    finish(segment);
    const std::string after_alive = dump(segment);
    saved.give_back(s.image);
    s.operate = [&segment, operation] {
      Hosting here(segment);
      operation(here);
    };
    s.judge = [before, after, after_alive](const Image& image) {
      const auto copy = kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)));
      copy->client_slot = 1;
      finish(*copy);
      Hosting there(*copy);
      if (const std::string problem = there.verify(); !problem.empty()) throw Corrupt(problem);
      const std::string now = dump(*copy);
      const int verdict = now == before ? 0 : now == after || now == after_alive ? 1 : 2;
      if (verdict == 2) throw Corrupt("neither before nor after:\n" + now);
      // And it goes on working.
      const ObjectRef outer = there.new_list(true, "later"), inner = there.new_dict();
      there.append_handle(outer, inner);
      there.registry().publish("later", outer);
      there.release(outer);
      there.release(inner);
      there.registry().remove("later");
      const u64 slot = copy->client_slot;
      Clients(*copy).attach();
      Clients(*copy).detach();
      copy->client_slot = slot;
      if (const std::string problem = there.verify(); !problem.empty()) throw Corrupt("after going on: " + problem);
      return verdict;
    };
    s.recover = [](const Image& image) { finish(*kernel::Segment::attach(kernel::MemoryObject(::dup(image[0].fd)))); };
    return s;
  }

  ObjectRef list = 0, handles = 0, named = 0;

 private:
  using u64 = kernel::u64;
  RegistryFixture at_;
};

kernel::Queue queue_at(Hosting& at, ObjectRef ref) {
  return {at.segment(), at.registry().facts(ref).value().body};
}
kernel::Sync condition_at(Hosting& at, ObjectRef ref) {
  return {at.segment(), at.registry().facts(ref).value().body};
}
ObjectRef new_sync(Hosting& at, kernel::ObjectKind kind, kernel::SyncConfig config) {
  return at.registry().create_sync(kernel::name_of(kind), "", config, kind);
}
ObjectRef new_queue(Hosting& at, kernel::ObjectKind kind, kernel::ListConfig config) {
  return at.registry().create_queue(kernel::name_of(kind), "", config, 3, kind);
}
/// Only the name keeps it.
void leave_to_its_name(Hosting& at, ObjectRef ref) {
  at.registry().publish("doomed", ref);
  at.release(ref);
}
kernel::u32 stripe_of_new(Stage& s) {
  return kernel::index_of(s->new_list()) % kernel::ObjectTable::stripe_count;
}
std::size_t used_slots(Stage& s) {
  std::size_t n = 0;
  s->objects().for_each([&](kernel::u32, kernel::ObjectSlot&) { ++n; });
  return n;
}

void remove_doomed(Hosting& at) {
  at.registry().remove("doomed");
}

struct Operation {
  const char* name;
  std::function<void(Stage&)> set;
  std::function<std::function<void(Hosting&)>(Stage&)> make;
  Changes changes = Changes::the_state;
};

const std::vector<Operation>& operations() {
  static const auto nothing = [](Stage&) {};
  static const std::vector<Operation> all = {
      {"create a list", nothing, [](Stage&) { return [](Hosting& at) { at.new_list(); }; }},
      {"create a dict of 8 stripes with a name", nothing,
       [](Stage&) { return [](Hosting& at) { at.new_dict(true, "a name", 3); }; }},
      {"create in a used slot, body from the pool", [](Stage& s) { s->release(s->new_dict()); },
       [](Stage&) { return [](Hosting& at) { at.new_dict(); }; }},
      {"create in another stripe, this thread's is full",
       [](Stage& s) {
         const auto own = stripe_of_new(s);
         while (stripe_of_new(s) == own) {
         }
       },
       [](Stage&) { return [](Hosting& at) { at.new_list(); }; }},
      {"create, the table of objects grows",
       [](Stage& s) {
         while (used_slots(s) < kernel::ObjectTable::first_chunk_slots) s->new_list();
       },
       [](Stage&) { return [](Hosting& at) { at.new_list(); }; }},
      {"publish a new name", nothing,
       [](Stage& s) { return [list = s.list](Hosting& at) { at.registry().publish("new", list); }; }},
      {"publish a name that is taken by an object not held", [](Stage& s) { s->release(s.named); },
       [](Stage& s) { return [list = s.list](Hosting& at) { at.registry().publish("named", list); }; }},
      {"look up a name", [](Stage& s) { s->release(s.named); },
       [](Stage&) { return [](Hosting& at) { at.registry().lookup("named"); }; }},
      {"remove a name", nothing, [](Stage&) { return [](Hosting& at) { at.registry().remove("named"); }; }},
      {"remove a name, the object ends", [](Stage& s) { s->release(s.named); },
       [](Stage&) { return [](Hosting& at) { at.registry().remove("named"); }; }},
      {"release, others refer to it", nothing,
       [](Stage& s) { return [list = s.list](Hosting& at) { at.release(list); }; }},
      {"release a list of handles, all ends", [](Stage& s) { s->release(s.list); },
       [](Stage& s) { return [handles = s.handles](Hosting& at) { at.release(handles); }; }},
      {"release a dict of 8 stripes with long values",
       [](Stage& s) {
         const ObjectRef dict = s->new_dict(true, "doomed", 3);
         for (int i = 0; i < 20; ++i) {
           s->dict(dict).set(view(std::to_string(i)), view(std::string(static_cast<std::size_t>(i * 150), 'v')));
         }
         for (int i = 0; i < 3; ++i) s->dict(dict).set(view("h" + std::to_string(i)), BytesView("", 0, {&s.list, 1}));
         s.named = dict;
       },
       [](Stage& s) { return [dict = s.named](Hosting& at) { at.release(dict); }; }},
      {"sweep what a dead process left dying",
       [](Stage& s) {
         const ObjectRef doomed = s->new_list(true);
         s->append_handle(doomed, s.list);
         s->append(doomed, std::string(3000, 'x'));
         s->release(s.list);
         s->list(s.handles).clear();
         if (!s->objects().release(doomed, s->segment().client_slot)) FAIL("it should be dying");
       },
       [](Stage&) { return [](Hosting& at) { kernel::sweep(at.segment()); }; }, Changes::nothing},
      {"attach", nothing,
       [](Stage&) {
         return [](Hosting& at) {
           at.segment().client_slot = 0;
           Clients(at.segment()).attach();
           at.segment().client_slot = 1;
         };
       },
       Changes::nothing},
      {"reap a dead client",
       [](Stage& s) {
         s.dead_client([&] {
           const ObjectRef mine = s->new_list(true, "mine");
           s->registry().acquire(s.named);
           s->append_handle(mine, s->new_dict());
           s->registry().publish("lasting", mine);
           if (s->segment().heap().allocate(1000) == nullptr) _exit(1);
         });
       },
       [](Stage&) { return [](Hosting& at) { kernel::reap_all_dead(at.segment()); }; }, Changes::nothing},
      {"reap a client that died in the middle of a transaction",
       [](Stage& s) {
         s.dead_client([&] {
           kernel::Transaction t(s->segment());
           t.lock(
               {&s->objects().stripe(3), &kernel::control_table(s->segment()).stripe, &s->list(s.list).body().stripe});
           _exit(0);
         });
       },
       [](Stage&) { return [](Hosting& at) { kernel::reap_all_dead(at.segment()); }; }, Changes::nothing},
      {"reserve for a child, by a client that dies",
       [](Stage& s) {
         s.dead_client([&] {
           s->registry().acquire(s.list);
           s->registry().acquire(s.named);
           (void)s->new_list();
         });
       },
       [](Stage& s) {
         return [slot = Clients(s->segment()).list().back().id.slot](Hosting& at) {
           at.segment().client_slot = slot;
           (void)Clients(at.segment()).reserve_for_child();
           at.segment().client_slot = 1;
         };
       },
       Changes::nothing},
      {"adopt a reservation", [](Stage& s) { (void)Clients(s->segment()).reserve_for_child(); },
       [](Stage& s) {
         return [child = Clients(s->segment()).list().back().id](Hosting& at) {
           Clients(at.segment()).adopt(child);
           at.segment().client_slot = 1;
         };
       }},
      {"note a child on its reservation, which is dead by then",
       [](Stage& s) { (void)Clients(s->segment()).reserve_for_child(); },
       [](Stage& s) {
         const pid_t gone = ::fork();
         if (gone == 0) ::_exit(0);
         ::waitpid(gone, nullptr, 0);
         return [child = Clients(s->segment()).list().back().id, gone](Hosting& at) {
           Clients(at.segment()).note_child(child, gone);
         };
       }},
      {"cancel a reservation, by a client that dies",
       [](Stage& s) {
         s.dead_client([&] {
           s->registry().acquire(s.named);
           (void)Clients(s->segment()).reserve_for_child();
         });
       },
       [](Stage& s) {
         return [child = Clients(s->segment()).list().back().id](Hosting& at) { Clients(at.segment()).cancel(child); };
       },
       Changes::nothing},
      {"detach, by a client that dies",
       [](Stage& s) {
         s.dead_client([&] {
           s->registry().acquire(s.named);
           (void)s->new_list();
         });
       },
       [](Stage& s) {
         return [slot = Clients(s->segment()).list().back().id.slot](Hosting& at) {
           at.segment().client_slot = slot;
           Clients(at.segment()).detach();
           at.segment().client_slot = 1;
         };
       },
       Changes::nothing},
  };
  return all;
}

/// What is marked for others: a process that calls exit() while its threads work, and objects that are damaged.
const std::vector<Operation>& operations_that_mark() {
  static const auto nothing = [](Stage&) {};
  static const std::vector<Operation> all = {
      {"end, in exit()", nothing, [](Stage&) { return [](Hosting& at) { Clients(at.segment()).end(); }; }},
      {"reap a client that has ended, with a lock and permits that it keeps",
       [](Stage& s) {
         const ObjectRef lock = new_sync(*s, kernel::ObjectKind::lock, {.kind = kernel::SyncKind::lock});
         s.dead_client([&] {
           s->registry().acquire(lock);
           s->registry().acquire(s.named);
           kernel::Lock(s->segment(), s->registry().facts(lock).value().body).acquire(kernel::Waiting::never());
           Clients(s->segment()).end();
         });
       },
       [](Stage&) { return [](Hosting& at) { kernel::reap_all_dead(at.segment()); }; }, Changes::nothing},
      {"quarantine a list", nothing,
       [](Stage& s) { return [list = s.list](Hosting& at) { kernel::quarantine(at.segment(), list); }; }},
      {"quarantine a dict of 8 stripes", [](Stage& s) { s.named = s->new_dict(false, "striped", 3); },
       [](Stage& s) { return [dict = s.named](Hosting& at) { kernel::quarantine(at.segment(), dict); }; }},
      {"quarantine a lock",
       [](Stage& s) { s.named = new_sync(*s, kernel::ObjectKind::lock, {.kind = kernel::SyncKind::lock}); },
       [](Stage& s) { return [lock = s.named](Hosting& at) { kernel::quarantine(at.segment(), lock); }; }},
  };
  return all;
}

/// What holds the objects of handles that are inside messages.
const std::vector<Operation>& operations_on_the_way() {
  static const auto nothing = [](Stage&) {};
  static const std::vector<Operation> all = {
      {"begin a transit client, by a process that dies", nothing,
       [](Stage&) { return [](Hosting& at) { const kernel::Transit transit(at.segment()); }; }, Changes::nothing},
      {"load a parcel, by a client that dies", [](Stage& s) { s.dead_client([] {}); },
       [](Stage& s) {
         const ClientId sender = Clients(s->segment()).list().back().id;
         return [sender, transit = kernel::Transit(s->segment()).id(), list = s.list, named = s.named](Hosting& at) {
           const ObjectRef objects[] = {list, named, list};
           at.segment().client_slot = sender.slot;
           kernel::load_parcel(at.segment(), transit, objects);
           at.segment().client_slot = 1;
         };
       },
       Changes::nothing},
      {"unload a parcel, the last reference to what is in it", nothing,
       [](Stage& s) {
         const ClientId transit = kernel::Transit(s->segment()).id();
         const ObjectRef objects[] = {s.handles, s.list};
         const ObjectRef parcel = kernel::load_parcel(s->segment(), transit, objects);
         s->release(s.handles);
         return [transit, parcel](Hosting& at) { kernel::unload_parcel(at.segment(), transit, parcel); };
       },
       Changes::nothing},
      {"reap a transit client", nothing,
       [](Stage& s) {
         const ClientId transit = kernel::Transit(s->segment()).id();
         kernel::load_parcel(s->segment(), transit, {&s.handles, 1});
         kernel::load_parcel(s->segment(), transit, {&s.handles, 1});
         s->release(s.handles);
         return [transit](Hosting& at) { kernel::reap(at.segment(), transit); };
       },
       Changes::nothing},
  };
  return all;
}

/// What processes wait for: made, tied together, taken apart.
const std::vector<Operation>& operations_on_what_is_waited_for() {
  static const auto nothing = [](Stage&) {};
  static const std::vector<Operation> all = {
      {"create a lock", nothing,
       [](Stage&) {
         return [](Hosting& at) { new_sync(at, kernel::ObjectKind::lock, {.kind = kernel::SyncKind::lock}); };
       }},
      {"create a barrier in the body of a list that has gone", [](Stage& s) { s->release(s->new_list()); },
       [](Stage&) {
         return [](Hosting& at) {
           new_sync(at, kernel::ObjectKind::barrier,
                    {.kind = kernel::SyncKind::barrier, .initial = 3, .patience = 1'000'000'001});
         };
       }},
      {"create a list in the body of a lock that has gone",
       [](Stage& s) { s->release(new_sync(*s, kernel::ObjectKind::rlock, {.kind = kernel::SyncKind::rlock})); },
       [](Stage&) { return [](Hosting& at) { at.new_list(); }; }},
      {"create a queue", nothing,
       [](Stage&) { return [](Hosting& at) { new_queue(at, kernel::ObjectKind::queue, {.packed_size = 8}); }; }},
      {"create a joinable queue of handles", nothing,
       [](Stage&) {
         return
             [](Hosting& at) { new_queue(at, kernel::ObjectKind::joinable_queue, {.handles = true, .owners = true}); };
       }},
      {"give a condition its lock",
       [](Stage& s) {
         s.list = new_sync(*s, kernel::ObjectKind::rlock, {.kind = kernel::SyncKind::rlock});
         s.named =
             new_sync(*s, kernel::ObjectKind::condition, {.kind = kernel::SyncKind::condition, .companion = s.list});
         condition_at(*s, s.named).drop_some(1);
       },
       [](Stage& s) {
         return [condition = s.named, lock = s.list](Hosting& at) { condition_at(at, condition).set_companion(lock); };
       }},
      {"remove a condition, its lock ends with it",
       [](Stage& s) {
         const ObjectRef lock = new_sync(*s, kernel::ObjectKind::rlock, {.kind = kernel::SyncKind::rlock});
         leave_to_its_name(
             *s, new_sync(*s, kernel::ObjectKind::condition, {.kind = kernel::SyncKind::condition, .companion = lock}));
         s->release(lock);
       },
       [](Stage&) { return remove_doomed; }},
      {"remove a semaphore with its roster",
       [](Stage& s) {
         const ObjectRef ref =
             new_sync(*s, kernel::ObjectKind::semaphore, {.kind = kernel::SyncKind::semaphore, .initial = 20});
         const kernel::Semaphore semaphore(s->segment(), s->registry().facts(ref).value().body);
         for (int i = 0; i < 10; ++i) semaphore.acquire(kernel::Waiting::never());
         leave_to_its_name(*s, ref);
       },
       [](Stage&) { return remove_doomed; }},
      {"remove a queue of handles",
       [](Stage& s) {
         const ObjectRef ref = new_queue(*s, kernel::ObjectKind::queue, {.handles = true});
         for (const std::string& with : {std::string(), std::string("text"), std::string(3000, 'x')}) {
           queue_at(*s, ref).put({with.data(), with.size(), {&s.list, 1}}, kernel::Waiting::never());
         }
         leave_to_its_name(*s, ref);
       },
       [](Stage&) { return remove_doomed; }},
      {"remove a joinable queue of handles, one taken and one done",
       [](Stage& s) {
         const ObjectRef ref = new_queue(*s, kernel::ObjectKind::joinable_queue, {.handles = true, .owners = true});
         const kernel::Queue queue = queue_at(*s, ref);
         for (int i = 0; i < 3; ++i) queue.put({"text", 4, {&s.list, 1}}, kernel::Waiting::never());
         Bytes out;
         s.dead_client([&] { queue.get(out, kernel::Waiting::never()); });
         queue.get(out, kernel::Waiting::never());
         queue.task_done();
         leave_to_its_name(*s, ref);
       },
       [](Stage&) { return remove_doomed; }},
  };
  return all;
}

void kill_each_and_what_finishes_it(StepkillReport& report, const std::vector<Operation>& list) {
  for (const Operation& op : list) {
    Stage stage(op.set);
    const Subject s = stage.subject(op.name, op.make(stage));
    const Result passed = report.add(pass(s));
    check_atomic(passed, op.changes);
    check_atomic(report.add(recovery(s, std::max(1L, passed.kills / 2))));
  }
}

}  // namespace

TEST_CASE("registry: every operation and what finishes it, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL registry");
  kill_each_and_what_finishes_it(report, operations());
}

TEST_CASE("registry: ending and quarantining, and what finishes it, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL registry, marks");
  kill_each_and_what_finishes_it(report, operations_that_mark());
}

TEST_CASE("registry: locks and queues made and taken apart, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL registry, locks and queues");
  for (const Operation& op : operations_on_what_is_waited_for()) {
    Stage stage(op.set);
    check_atomic(report.add(pass(stage.subject(op.name, op.make(stage)))), op.changes);
  }
}

TEST_CASE("registry: transit clients and parcels, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL registry, transit clients");
  for (const Operation& op : operations_on_the_way()) {
    Stage stage(op.set);
    check_atomic(report.add(pass(stage.subject(op.name, op.make(stage)))), op.changes);
  }
}

TEST_CASE("registry: real SIGKILLs at every change and in lock and commit") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  StepkillReport report("STEPKILL registry, real kills");
  CodeSet code = mutex_code();
  code.add_functions_named("kernel::RobustMutex::try_acquire").add_functions_named("kernel::RobustMutex::release");
  for (const char* name : {"create a list", "publish a new name", "release a list of handles, all ends"}) {
    const auto op = std::ranges::find_if(operations(), [&](const Operation& o) { return o.name == std::string(name); });
    Stage stage(op->set);
    check_atomic(report.add(real(stage.subject(op->name, op->make(stage)), Selection::changed_and(code))));
  }
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("registry: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL registry, every instruction");
    for (const auto* list :
         {&operations(), &operations_that_mark(), &operations_on_the_way(), &operations_on_what_is_waited_for()}) {
      for (const Operation& op : *list) {
        Stage stage(op.set);
        check_atomic(report.add(real(stage.subject(op.name, op.make(stage)), Selection::every())), op.changes);
      }
    }
  }
  TEST_CASE("registry: what finishes transit clients and parcels is killed after every change") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL registry, repairs of transit clients");
    for (const Operation& op : operations_on_the_way()) {
      Stage stage(op.set);
      check_atomic(report.add(recovery(stage.subject(op.name, op.make(stage)), 100)));
    }
  }
  TEST_CASE("registry: the repair of locks and queues made and taken apart is killed after every change") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    StepkillReport report("STEPKILL registry, repairs of locks and queues");
    for (const Operation& op : operations_on_what_is_waited_for()) {
      Stage stage(op.set);
      check_atomic(report.add(recovery(stage.subject(op.name, op.make(stage)), 40)));
    }
  }
}

}  // namespace partage::test
