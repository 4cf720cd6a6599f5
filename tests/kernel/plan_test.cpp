// The plan of a commit, short and long, against a map; the log that applies it; words and drafts.

#include <map>
#include <random>
#include <vector>

#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using kernel::Draft;
using kernel::Log;
using kernel::LogSlot;
using kernel::Plan;
using kernel::Word;

struct Words {
  explicit Words(std::size_t n) : memory(new Word[n]), size(n) {
    const Draft draft(memory.get(), n * 8);
    for (std::size_t i = 0; i < n; ++i) draft.set(memory[i], 1'000'000 + i);
  }
  Word& operator[](std::size_t i) const { return memory[i]; }
  std::byte* base() const { return reinterpret_cast<std::byte*>(memory.get()); }
  std::unique_ptr<Word[]> memory;
  std::size_t size;
};

}  // namespace

TEST_CASE("plan: reads its own writes and changes nothing") {
  const Words w(4);
  Plan plan;
  CHECK(plan.size() == 0);
  CHECK(plan.get(w[1]) == 1'000'001);
  plan.put(w[1], 7);
  plan.put(w[2], 8);
  plan.put(w[1], 9);
  CHECK(plan.size() == 2);
  CHECK(plan.get(w[1]) == 9);
  CHECK(plan.get(w[2]) == 8);
  CHECK(w[1].load() == 1'000'001);
  CHECK(plan[0].word == &w[1]);  // the order of the first put
  CHECK(plan[0].value == 9);
  CHECK(plan[1].word == &w[2]);
  plan.clear();
  CHECK(plan.size() == 0);
  CHECK(plan.get(w[1]) == 1'000'001);
}

TEST_CASE("plan: every length around the words that lie on the stack") {
  const Words w(200);
  for (std::size_t n = 0; n < w.size; ++n) {
    Plan plan;
    for (std::size_t i = 0; i < n; ++i) plan.put(w[i], i);
    for (std::size_t i = 0; i < n; i += 3) plan.put(w[i], i + 500);
    REQUIRE(plan.size() == n);
    for (std::size_t i = 0; i < w.size; ++i) {
      REQUIRE(plan.get(w[i]) == (i >= n ? 1'000'000 + i : i % 3 == 0 ? i + 500 : i));
    }
    for (std::size_t i = 0; i < n; ++i) REQUIRE(plan[i].word == &w[i]);
  }
}

TEST_CASE("plan: thousands of words, against a map") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 1);
  const Words w(20'000);
  for (const std::size_t puts : {30u, 1000u, 60'000u}) {
    Plan plan;
    std::map<std::size_t, u64> model;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < puts; ++i) {
      const std::size_t at = random() % w.size;
      const u64 value = random();
      plan.put(w[at], value);
      if (model.emplace(at, value).second) {
        order.push_back(at);
      } else {
        model[at] = value;
      }
      const std::size_t other = random() % w.size;
      const auto it = model.find(other);
      REQUIRE(plan.get(w[other]) == (it == model.end() ? 1'000'000 + other : it->second));
    }
    REQUIRE(plan.size() == order.size());
    std::vector<LogSlot> slots(plan.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      REQUIRE(plan[i].word == &w[order[i]]);
      Log::lay(slots[i], plan[i], w.base());
      REQUIRE(slots[i].offset() == order[i] * 8);
      REQUIRE(slots[i].value() == model[order[i]]);
    }
    // Half of it, and then all of it: values are absolute.
    const Words copy(w.size);
    for (std::size_t i = 0; i < slots.size() / 2; ++i) Log::apply(slots[i], copy.base());
    for (const LogSlot& slot : slots) Log::apply(slot, copy.base());
    for (std::size_t i = 0; i < w.size; ++i) {
      const auto it = model.find(i);
      REQUIRE(copy[i].load() == (it == model.end() ? 1'000'000 + i : it->second));
    }
    plan.clear();
    CHECK(plan.get(w[order[0]]) == 1'000'000 + order[0]);
    plan.put(w[0], 1);  // usable again, from the start
    CHECK(plan.size() == 1);
    CHECK(plan.get(w[0]) == 1);
  }
}

TEST_CASE("draft: bytes into words, the last one padded with zeros") {
  const Words w(4);
  const Draft draft(w.base(), 32);
  const char bytes[] = "abcdefghijk";
  for (std::size_t n = 0; n <= 11; ++n) {
    for (std::size_t i = 0; i < 4; ++i) draft.set(w[i], ~u64{0});
    draft.copy(&w[1], bytes, n);
    char out[16] = {};
    kernel::copy_out(out, &w[1], n);
    CHECK(std::string(out, n) == std::string(bytes, n));
    CHECK(w[0].load() == ~u64{0});
    CHECK(w[3].load() == ~u64{0});
    const std::size_t used = (n + 7) / 8;
    if (n % 8 != 0) CHECK((w[used].load() >> n % 8 * 8) == 0);
    if (used < 2) CHECK(w[2].load() == ~u64{0});
  }
}

TEST_CASE("ticket: numbers are drawn once") {
  alignas(8) std::byte memory[8] = {};
  auto* ticket = new (memory) kernel::Ticket;
  Draft(memory, 8).zero(reinterpret_cast<Word*>(memory), 1);
  CHECK(ticket->last() == 0);
  CHECK(ticket->draw() == 1);
  CHECK(ticket->draw(5) == 2);
  CHECK(ticket->draw() == 7);
  CHECK(ticket->last() == 7);
}

TEST_CASE("commit word: fields do not touch each other") {
  using kernel::CommitWord;
  for (const u64 count : {u64{1}, u64{8}, CommitWord::count_mask}) {
    for (const bool spilled : {false, true}) {
      for (const u64 record : {u64{0}, u64{1}, u64{16}, u64{65535}}) {
        const u64 word = CommitWord::make(count, spilled, record);
        CHECK((word & CommitWord::count_mask) == count);
        CHECK(((word & CommitWord::spilled) != 0) == spilled);
        CHECK((word >> CommitWord::record_shift) == record);
      }
    }
  }
}

}  // namespace partage::test
