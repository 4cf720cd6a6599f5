// Segments with flipped bits and overwritten words: attaching refuses, or the check says what is broken and takes it out of use,
// and everything else goes on. Never a crash, never a loop.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "manager/registry/check.hpp"
#include "manager/registry/reap.hpp"
#include "tests/damage/world.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using kernel::CheckReport;
using kernel::Finding;
using kernel::u64;

/// One word overwritten.
struct Hit {
  u64 offset;
  u64 before, after;
};

class Mutator {
 public:
  Mutator(const World& world, std::uint64_t seed) : world_(world), random_(seed) {
    for (const auto& [begin, end] : world.used()) words_ += (end - begin) / 8;
  }

  std::vector<Hit> mutate(int fd) {
    std::vector<Hit> hits;
    for (u64 n = random_() % 3 + 1; n != 0; --n) {
      Hit hit{somewhere(), 0, 0};
      REQUIRE(::pread(fd, &hit.before, 8, static_cast<off_t>(hit.offset)) == 8);
      hit.after = changed(hit.before, fd);
      REQUIRE(::pwrite(fd, &hit.after, 8, static_cast<off_t>(hit.offset)) == 8);
      hits.push_back(hit);
    }
    return hits;
  }

 private:
  u64 somewhere() {
    u64 n = random_() % words_;
    for (const auto& [begin, end] : world_.used()) {
      if (n < (end - begin) / 8) return begin + n * 8;
      n -= (end - begin) / 8;
    }
    return 0;
  }
  u64 changed(u64 word, int fd) {
    switch (random_() % 5) {
      case 0:
      case 1:
        return word ^ u64 { 1 } << random_() % 64;
      case 2:
        return word ^ u64 { 0xFF } << random_() % 8 * 8;
      case 3: {  // what stands somewhere else
        u64 other = 0;
        REQUIRE(::pread(fd, &other, 8, static_cast<off_t>(somewhere())) == 8);
        return other;
      }
      default:
        return random_() % 2 == 0 ? 0 : random_();
    }
  }

  const World& world_;
  std::mt19937_64 random_;
  u64 words_ = 0;
};

/// A state, pid, start time or image of the client table: it may be that of a process that has died, so that what it had taken goes
/// back, and nobody can tell.
bool says_who_lives(const kernel::Segment& pristine, const Hit& hit) {
  const auto& table = kernel::control_table(pristine);
  const u64 first = pristine.offset_of(&table.slots[1]),
            end = first + (kernel::client_slots - 1) * sizeof(kernel::ClientSlot);
  const u64 at = (hit.offset - first) % sizeof(kernel::ClientSlot);
  return hit.offset >= first && hit.offset < end && at < offsetof(kernel::ClientSlot, reserver);
}
bool depends_on_clients(kernel::ObjectKind kind) {
  const kernel::Shape shape = kernel::shape_of(kind);
  return shape == kernel::Shape::queue || shape == kernel::Shape::sync;
}

bool hits_object(kernel::Segment& pristine, const WorldObject& object, const std::vector<Hit>& hits) {
  kernel::Runs runs = pristine.runs();
  const u64 slot = pristine.offset_of(kernel::Objects(pristine).find(kernel::index_of(object.ref)));
  return std::ranges::any_of(hits, [&](const Hit& hit) {
    if (depends_on_clients(object.facts.kind) && says_who_lives(pristine, hit)) return true;
    if (hit.offset >= slot && hit.offset < slot + sizeof(kernel::ObjectSlot)) return true;
    return std::ranges::any_of(
        object.runs, [&](u64 run) { return hit.offset + 16 >= run && hit.offset < run + runs.payload_size(run); });
  });
}

/// Where it is, for whoever looks into a failure: the object, and the place in its run.
std::string place_of(const World& world, const Hit& hit) {
  kernel::Runs runs = world.segment().runs();
  for (const WorldObject& object : world.objects()) {
    for (const u64 run : object.runs) {
      if (hit.offset + 16 >= run && hit.offset < run + runs.payload_size(run)) {
        return ", '" + object.what + "', run " + std::to_string(run) + " of " + std::to_string(runs.payload_size(run)) +
               " bytes";
      }
    }
  }
  return "";
}

/// The exit codes of a child that kept its promises. A sanitizer ends one that broke them with 1, or by SIGABRT.
enum Outcome { whole = 40, refused, reported };
constexpr std::array outcomes_kept{whole, refused, reported};

std::string findings_in(const CheckReport& report) {
  std::string text;
  for (const Finding& f : report.findings) text += "\n  #" + std::to_string(f.object) + ": " + f.sentence;
  return text;
}

bool concerns_all(const Finding& f) {
  return f.object == 0;
}

/// nullptr: refused.
std::shared_ptr<kernel::Segment> attach(kernel::MemoryObject object) {
  try {
    auto segment = kernel::Segment::attach(std::move(object));
    segment->operation_timeout = 300ms;
    kernel::register_repairs();
    kernel::Clients(*segment).attach();
    return segment;
  } catch (const Error&) {
    return nullptr;
  }
}

/// What a program does with such a segment. Throws std::string when a promise is broken.
Outcome live_with(const World& world, kernel::MemoryObject object, const std::vector<Hit>& hits) {
  const auto segment = attach(std::move(object));
  if (segment == nullptr) return refused;
  const CheckReport report = kernel::check_segment(*segment, kernel::Damaged::quarantine);
  const bool all = std::ranges::any_of(report.findings, concerns_all);
  for (const WorldObject& o : world.objects()) {
    const bool found = std::ranges::any_of(report.findings, [&](const Finding& f) { return f.object == o.ref; });
    try {
      const std::string contents = contents_of(*segment, o.facts);
      if (!all && !found && !hits_object(world.segment(), o, hits) && contents != o.contents) {
        throw "the contents of '" + o.what + "', which was not hit, have changed" + findings_in(report);
      }
      use(*segment, o.facts);
    } catch (const Error& e) {
      if (!all && !found && !hits_object(world.segment(), o, hits) && !report.judged_all) continue;
      if (!all && !found)
        throw "'" + o.what + "', which the check found sound, fails: " + e.what() + findings_in(report);
    }
  }
  try {
    kernel::reap_all_dead(*segment, kernel::Orphans::take);
    (void)kernel::Registry(*segment, kernel::Control::alone).objects();
  } catch (const Error&) {
  }
  kernel::sweep(*segment);
  const CheckReport again = kernel::check_segment(*segment, kernel::Damaged::leave);
  for (const Finding& f : again.findings) {
    if (all || f.verdict != Finding::Verdict::damaged) continue;
    throw "a second check finds more: " + f.sentence + "; the first found:" + findings_in(report);
  }
  try {
    kernel::Clients(*segment).detach();
  } catch (const Error&) {
  }
  return report.whole() ? whole : reported;
}

/// What a program does that takes the segment for whole.
Outcome live_unaware(const World& world, kernel::MemoryObject object) {
  const auto segment = attach(std::move(object));
  if (segment == nullptr) return refused;
  Outcome outcome = whole;
  for (const WorldObject& o : world.objects()) {
    try {
      (void)contents_of(*segment, o.facts);
      use(*segment, o.facts);
    } catch (const Error&) {
      outcome = reported;
    } catch (const std::bad_alloc&) {  // an element that says that it is very long
      outcome = reported;
    }
  }
  return outcome;
}

/// Calls `judge` with the end of each child that lives with a mutated copy.
void for_each_mutation(long count, const World& world,
                       const std::function<Outcome(kernel::MemoryObject object, const std::vector<Hit>& hits)>& live,
                       const std::function<void(const ChildResult& result)>& judge) {
  const char* only = std::getenv("PARTAGE_MUTATION");  // one of them, with PARTAGE_SEED
  for (long i = only == nullptr ? 0 : std::atol(only); i < count; i = only == nullptr ? i + 1 : count) {
    const std::uint64_t seed = test_seed() * 1'000'003 + static_cast<std::uint64_t>(i);
    kernel::MemoryObject object = world.copy();
    const std::vector<Hit> hits = Mutator(world, seed).mutate(object.fd());
    const ChildResult result = run_child(
        [&] {
          // It is shared with the parent, and a write that goes astray is not to end there.
          const kernel::Segment& pristine = world.segment();
          REQUIRE(::mprotect(pristine.base(), pristine.header().max, PROT_READ) == 0);
          try {
            return static_cast<int>(live(std::move(object), hits));
          } catch (const std::string& broken_promise) {
            throw std::runtime_error(broken_promise);
          }
        },
        60s);
    std::string text;
    for (const Hit& hit : hits) {
      text += "\n  word at " + std::to_string(hit.offset) + ": " + std::to_string(hit.before) + " -> " +
              std::to_string(hit.after) + place_of(world, hit);
    }
    INFO("mutation ", i, text);
    judge(result);
  }
}

bool kept_its_promises(const ChildResult& result) {
  return result.end == ChildResult::End::exited && std::ranges::find(outcomes_kept, result.code) != outcomes_kept.end();
}

void live_with_mutations(long count) {
  PARTAGE_SHOW_SEED();
  const World world;
  std::map<int, long> outcomes;
  for_each_mutation(
      count, world,
      [&](kernel::MemoryObject object, const std::vector<Hit>& hits) {
        return live_with(world, std::move(object), hits);
      },
      [&](const ChildResult& result) {
        CHECK_MESSAGE(kept_its_promises(result), result.describe());
        ++outcomes[result.code];
      });
  MESSAGE("of ", count, " damaged segments ", outcomes[refused], " were refused, ", outcomes[reported], " reported, ",
          outcomes[whole], " hit nothing that has a meaning of its own");
  CHECK((std::getenv("PARTAGE_MUTATION") != nullptr || outcomes[reported] > 0));  // else nothing was tried
}

}  // namespace

TEST_CASE("mutated segments: refused, or reported and survived") {
  live_with_mutations(repeats(250));
}

TEST_SUITE("full:damage") {
  TEST_CASE("ten thousand mutated segments: refused, or reported and survived") {
    live_with_mutations(repeats(10'000));
  }

  // Operations that write follow the words of the heap, of arenas and of locks without bounding each of them, as they would their
  // own memory. It is not promised that this goes well; how often it does not is to be known, and that nothing loops.
  TEST_CASE("ten thousand mutated segments that nobody has checked: none loops, few crash") {
    PARTAGE_SHOW_SEED();
    const World world;
    const long count = repeats(10'000);
    long crashed = 0, noticed = 0;
    for_each_mutation(
        count, world,
        [&](kernel::MemoryObject object, const std::vector<Hit>&) { return live_unaware(world, std::move(object)); },
        [&](const ChildResult& result) {
          const bool has_crashed = result.end == ChildResult::End::signaled;
          CHECK_MESSAGE((has_crashed || kept_its_promises(result)), result.describe());
          crashed += has_crashed ? 1 : 0;
          noticed += !has_crashed && result.code != whole ? 1 : 0;
        });
    MESSAGE("of ", count, " damaged segments, used without a check, ", crashed, " ended the process, ", noticed,
            " were refused or threw");
    CHECK(crashed * 100 < count);
    CHECK(noticed > 0);
  }
}

}  // namespace partage::test
