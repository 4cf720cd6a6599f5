// The records of who has a permit, waits or stands somewhere: as a vector behaves, in memory that grows and shrinks.

#include "manager/container/roster.hpp"

#include <algorithm>
#include <vector>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Change;
using kernel::ClientId;
using kernel::Roster;

struct Entry {
  ClientId client;
  u64 data;
  bool operator==(const Entry&) const = default;
};
using Entries = std::vector<Entry>;

class RosterFixture {
 public:
  RosterFixture() : stripe_(at_.stripes(1)[0]) {}

  /// fn(roster) in a change that is committed.
  template <class Fn>
  void change(Fn fn) {
    Change change(at_.segment(), stripe_);
    Roster roster(change, stripe_.body[1], stripe_.body[2]);
    fn(roster);
    change.commit();
  }
  template <class Fn>
  void plan_only(Fn fn) {
    Change change(at_.segment(), stripe_);
    Roster roster(change, stripe_.body[1], stripe_.body[2]);
    fn(roster);
  }
  Entries entries() {
    Entries found;
    plan_only([&](const Roster& roster) {
      roster.for_each([&](const Roster::Record& r) {
        found.push_back({r.client, r.data});
        return true;
      });
      CHECK(roster.count() == found.size());
    });
    return found;
  }
  void append(const Entry& e) {
    change([&](Roster& roster) { roster.append(e.client, e.data); });
  }
  bool erase(const Entry& e) {
    bool any = false;
    change([&](Roster& roster) {
      const auto record = roster.first([&](const Roster::Record& r) { return Entry{r.client, r.data} == e; });
      any = record.has_value();
      if (any) roster.erase(*record);
    });
    return any;
  }
  bool has_run() const { return stripe_.body[1].load() != 0; }
  unsigned capacity_log2() const { return static_cast<unsigned>(stripe_.body[1].load() & 63); }
  u64 span() const { return stripe_.body[2].load() & 0xFFFFFFFF; }
  u64 used() { return at_.segment().runs().used(); }
  kernel::Segment& segment() { return at_.segment(); }

 private:
  KernelFixture at_;
  kernel::Stripe& stripe_;
};

Entry entry(u32 n) {
  return {{n % 5 + 1, n / 5 + 1}, n};
}

}  // namespace

TEST_CASE("roster: records stay in the order in which they came") {
  RosterFixture at;
  CHECK(at.entries().empty());
  CHECK_FALSE(at.has_run());
  for (u32 i = 0; i < 8; ++i) at.append(entry(i));
  CHECK(at.capacity_log2() == 3);
  CHECK(at.erase(entry(3)));
  CHECK_FALSE(at.erase(entry(3)));
  CHECK(at.erase(entry(4)));
  CHECK(at.entries() == Entries{entry(0), entry(1), entry(2), entry(5), entry(6), entry(7)});
  CHECK(at.span() == 8);  // holes
  CHECK(at.erase(entry(2)));
  CHECK(at.erase(entry(1)));
  CHECK(at.erase(entry(0)));  // and all holes behind it
  CHECK(at.span() == 3);
  CHECK(at.erase(entry(6)));
  CHECK(at.erase(entry(7)));
  CHECK(at.span() == 1);
  CHECK(at.entries() == Entries{entry(5)});
}

TEST_CASE("roster: a ring full of holes is made anew, not larger") {
  RosterFixture at;
  for (u32 i = 0; i < 8; ++i) at.append(entry(i));
  for (u32 i = 1; i < 7; ++i) CHECK(at.erase(entry(i)));
  CHECK(at.span() == 8);
  at.append(entry(8));
  CHECK(at.capacity_log2() == 3);
  CHECK(at.span() == 3);
  CHECK(at.entries() == Entries{entry(0), entry(7), entry(8)});
}

TEST_CASE("roster: a large ring goes with its last record, a small one stays") {
  RosterFixture at;
  const u64 empty = at.used();
  for (u32 i = 0; i < 200; ++i) at.append(entry(i));
  CHECK(at.capacity_log2() == 8);
  for (u32 i = 0; i < 200; ++i) CHECK(at.erase(entry(i)));
  CHECK_FALSE(at.has_run());
  CHECK(at.used() == empty);
  at.append(entry(1));
  CHECK(at.erase(entry(1)));
  CHECK(at.has_run());
  CHECK(at.span() == 0);
  CHECK(at.segment().runs().verify() == "");
}

TEST_CASE("roster: what is planned and not committed has not happened") {
  RosterFixture at;
  for (u32 i = 0; i < 8; ++i) at.append(entry(i));
  const Entries before = at.entries();
  const u64 used = at.used();
  at.plan_only([](Roster& roster) {
    roster.append({1, 1}, 99);  // a longer ring
    roster.erase(*roster.first([](const Roster::Record&) { return true; }));
    CHECK(roster.count() == 8);
  });
  CHECK(at.entries() == before);
  CHECK(at.used() == used);
}

TEST_CASE("roster: random operations, compared with a vector") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed());
  RosterFixture at;
  Entries model;
  u32 next = 0;
  for (long n = 0; n < repeats(20'000); ++n) {
    CAPTURE(n);
    const std::size_t wanted = (n / 1000) % 3 == 0 ? 300 : (n / 1000) % 3 == 1 ? 10 : 0;
    const auto op = random() % 10;
    if (model.empty() || (op < 8) == (model.size() < wanted)) {
      model.push_back(entry(next++));
      at.append(model.back());
    } else {
      // The oldest mostly, as with permits; or any.
      const std::size_t i = op % 2 == 0 ? 0 : random() % model.size();
      REQUIRE(at.erase(model[i]));
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (n % 50 == 0) REQUIRE(at.entries() == model);
  }
  CHECK(at.entries() == model);
  CHECK(at.segment().runs().verify() == "");
}

}  // namespace partage::test
