#include "manager/registry/hosted.hpp"

#include <partage/error.hpp>

#include "manager/container/dict.hpp"
#include "manager/container/list.hpp"
#include "manager/container/queue.hpp"
#include "manager/container/sync.hpp"
#include "manager/registry/clients.hpp"

namespace partage::kernel {
namespace {

constexpr std::size_t drop_step = 64;  // elements a commit: long enough to be quick, short enough for a small log

List list_at(Segment& segment, u64 body) {
  return {segment, body};
}
Dict dict_at(Segment& segment, u64 body) {
  return {segment, segment.at<DictBody>(body)};
}

/// Calls fn with the container.
template <class Fn>
decltype(auto) with(Segment& segment, ObjectKind kind, u64 body, Fn&& fn) {
  switch (shape_of(kind)) {
    case Shape::list: {
      auto list = list_at(segment, body);
      return fn(list);
    }
    case Shape::dict: {
      auto dict = dict_at(segment, body);
      return fn(dict);
    }
    case Shape::queue: {
      const Queue queue(segment, body);
      return fn(queue);
    }
    case Shape::sync: {
      const Sync sync(segment, body);
      return fn(sync);
    }
    case Shape::unknown:
      break;
  }
  throw Corrupt("partage: an object of unknown kind " + std::to_string(static_cast<u64>(kind)) +
                "; was the segment made by a newer program?");
}

struct KindFacts {
  const char* name;
  Shape shape;
};

/// By the number of the kind.
constexpr KindFacts kinds[] = {
    {"unknown", Shape::unknown},
    {"list", Shape::list},
    {"dict", Shape::dict},
    {"set", Shape::dict},
    {"value", Shape::list},
    {"array", Shape::list},
    {"namespace", Shape::dict},
    {"queue", Shape::queue},
    {"joinable_queue", Shape::queue},
    {"simple_queue", Shape::queue},
    {"lock", Shape::sync},
    {"rlock", Shape::sync},
    {"semaphore", Shape::sync},
    {"bounded_semaphore", Shape::sync},
    {"condition", Shape::sync},
    {"event", Shape::sync},
    {"barrier", Shape::sync},
    {"parcel", Shape::list},
};

const KindFacts& facts_of(ObjectKind kind) noexcept {
  const auto number = static_cast<std::size_t>(kind);
  return kinds[number < std::size(kinds) ? number : 0];
}

}  // namespace

const char* name_of(ObjectKind kind) noexcept {
  return facts_of(kind).name;
}

Shape shape_of(ObjectKind kind) noexcept {
  return facts_of(kind).shape;
}

Hosted::Hosted(Segment& segment, const ObjectSlot& slot) noexcept
    : Hosted(segment, SlotWord::of(slot.state.load()).kind, SlotWord::of(slot.state.load()).flags, slot.body.load()) {}

std::size_t Hosted::size() const {
  return with(*segment_, kind_, body_, [](auto& c) { return c.size(); });
}

std::size_t Hosted::bytes_used() const {
  return with(*segment_, kind_, body_, [](auto& c) { return c.bytes_used(); });
}

std::vector<ObjectRef> Hosted::references() const {
  std::vector<ObjectRef> refs;
  if (shape_of(kind_) == Shape::list) {
    if (const ObjectRef companion = list_at(*segment_, body_).companion(); companion != 0) refs.push_back(companion);
  }
  if ((flags_ & object_flag::handles) == 0) return refs;
  ByteTable table;
  with(*segment_, kind_, body_, [&](auto& c) {
    using Container = std::remove_cvref_t<decltype(c)>;
    if constexpr (std::is_same_v<Container, Sync>) {
      if (c.companion() != 0) refs.push_back(c.companion());
    } else if constexpr (std::is_same_v<Container, Queue>) {
      c.all_items(table);
    } else if constexpr (std::is_same_v<Container, List>) {
      c.snapshot(table);
    } else {
      c.snapshot(nullptr, &table);
    }
  });
  for (std::size_t i = 0; i < table.size(); ++i) {
    const BytesView value = table[i];
    refs.insert(refs.end(), value.refs.begin(), value.refs.end());
  }
  return refs;
}

void Hosted::repair_dead() const {
  with(*segment_, kind_, body_, [&](auto& c) {
    if constexpr (requires { c.repair_dead(); }) {
      c.repair_dead();
    } else {
      Stripe& stripe = c.body().stripe;
      if (stripe.mutex.owner_dead()) StripeLock(*segment_, stripe).unlock();
    }
  });
}

void Hosted::give_back(ClientId client, bool died) const {
  with(*segment_, kind_, body_, [&](auto& c) {
    if constexpr (requires { c.give_back(client, died); }) {
      c.give_back(client, died);
    } else if constexpr (requires { c.give_back(client); }) {
      c.give_back(client);
    }
  });
}

std::size_t Hosted::waiters() const {
  const Lives lives(*segment_);
  const auto at = [&](const WaitWord& word) { return lives.waiters(segment_->offset_of(&word)); };
  return with(*segment_, kind_, body_, [&](auto& c) -> std::size_t {
    using Container = std::remove_cvref_t<decltype(c)>;
    if constexpr (std::is_same_v<Container, Sync>) {
      return at(c.body().changed);
    } else if constexpr (std::is_same_v<Container, Dict>) {
      return at(segment_->at<DictBody>(body_).inserted);
    } else {
      return at(c.body().items) + at(c.body().room) + at(c.body().done);
    }
  });
}

void Hosted::empty() const {
  if (shape_of(kind_) == Shape::list) list_at(*segment_, body_).drop_companion();
  if ((flags_ & object_flag::handles) == 0) return;
  with(*segment_, kind_, body_, [](auto& c) {
    while (c.drop_some(drop_step)) {
    }
  });
}

void Hosted::clear() const {
  with(*segment_, kind_, body_, [](auto& c) { c.clear(); });
}

void Hosted::dismantle(Change& change) const {
  with(*segment_, kind_, body_, [&](auto& c) { c.dismantle(change); });
}

u64 Hosted::version() const {
  return with(*segment_, kind_, body_, [](auto& c) {
    if constexpr (requires { c.version(); }) {
      return c.version();
    } else {
      return c.body().stripe.seq.load();
    }
  });
}

bool Hosted::has_body() const {
  const Shape shape = shape_of(kind_);
  static_assert(sizeof(SyncBody) == sizeof(ListBody));
  if (shape == Shape::unknown) return false;
  return segment_->runs().looks_like_run(body_, shape == Shape::dict ? sizeof(DictBody) : sizeof(ListBody),
                                         shape == Shape::dict ? Pool::dict_body : Pool::list_body);
}

bool Hosted::condemn() const {
  return with(*segment_, kind_, body_, [](auto& c) { return c.condemn(); });
}

bool Hosted::condemned() const {
  return with(*segment_, kind_, body_, [](auto& c) {
    if constexpr (requires { c.condemned(); }) {
      return c.condemned();
    } else {
      return c.body().stripe.mutex.condemned();
    }
  });
}

std::string Hosted::verify(std::vector<u64>& runs, Leftovers leftovers) const {
  return with(*segment_, kind_, body_, [&](auto& c) { return c.verify(runs, leftovers); });
}

std::string Hosted::problem() const {
  std::vector<u64> runs;
  return has_body() ? verify(runs, Leftovers::owned) : "its body is no run of its kind";
}

void register_repairs() noexcept {
  register_list_repair();  // dicts need no repair of their own
  Lives::set_judge(Clients::judge);
}

}  // namespace partage::kernel
