#include "manager/registry/registry.hpp"

#include <algorithm>
#include <map>
#include <partage/error.hpp>

#include "manager/registry/slot_scan.hpp"
#include "manager/segment/refuse_damaged.hpp"
#include "manager/segment/wait_table.hpp"

namespace partage::kernel {
namespace {

BytesView key_of(std::string_view name) {
  return {name.data(), name.size()};
}

std::string text_at(Segment& segment, u64 run) {
  if (run == 0) return {};
  if (!looks_like_text(segment, run)) {
    throw Corrupt("partage: the description or the name of an object is damaged; `partage check` says which");
  }
  const Word* words = &segment.at<Word>(run);
  std::string text(words[0].load(), 0);
  copy_out(text.data(), words + 1, text.size());
  return text;
}

void check_name(std::string_view name) {
  if (name.empty()) throw ValueError("partage: an object cannot be named ''; leave the name out for an anonymous one");
}

}  // namespace

void Registry::format(Segment& segment) {
  register_repairs();
  make_transaction_records(segment);
  Objects::make(segment);
  Lives::make(segment);
  make_control_table(segment);
  make_wait_table(segment);
  // The first object of the segment: names() finds it among the first slots of the stripes.
  Objects(segment).create(
      {ObjectKind::dict, object_flag::handles | object_flag::internal, "dict<str,handle>", "", 0,
       [](Change& change) { return Dict::build(change, {.stripes_log2 = 0, .handles = true, .split_log2 = 0}); }});
  segment.header().seal = seal_of(segment.header());
}

ObjectRef Registry::names() const {
  const Objects objects(*segment_);
  for (u32 index = 0; index < ObjectTable::stripe_count; ++index) {
    const ObjectSlot* slot = objects.find(index);
    if (slot == nullptr) break;
    const SlotWord word = SlotWord::of(slot->state.load());
    if (word.state == SlotState::live && (word.flags & object_flag::internal) != 0) {
      return make_ref(index, word.generation);
    }
  }
  throw Corrupt("partage: the segment has no dict of names; it was damaged from outside, start a new manager");
}

Dict Registry::names_dict() const {
  const ObjectSlot& slot = *Objects(*segment_).find(index_of(names()));
  if ((SlotWord::of(slot.state.load()).flags & object_flag::quarantined) != 0) {
    throw Corrupt(
        "partage: the dict of names was found damaged and is quarantined: no object is opened or listed by its name "
        "any "
        "more, those that are open go on; start a new manager");
  }
  return {*segment_, segment_->at<DictBody>(slot.body.load())};
}

void Registry::require(const char* call) const {
  if (control_ == Control::needs_manager && !segment_->unmanaged()) {
    require_manager(*segment_, call);
  } else {
    require_live(*segment_, call);
  }
}

// ---- making objects ------------------------------------------------------------------------------------------------

ObjectRef Registry::create(ObjectKind kind, u16 flags, std::string_view schema, std::string_view name,
                           std::function<u64(Change&)> build) {
  const std::string call = std::string("creating a ") + name_of(kind);
  refuse_in_user_code(call.c_str());
  require(call.c_str());
  if (segment_->client_slot == 0) {
    throw ConnectionError("partage: " + call + ": this process is not attached to the manager any more");
  }
  return Objects(*segment_).create({kind, flags, schema, name, segment_->client_slot, std::move(build)});
}

ObjectRef Registry::create_list(std::string_view schema, std::string_view name, const ListConfig& config,
                                ObjectKind kind) {
  return create(kind, config.handles ? object_flag::handles : u16{0}, schema, name,
                [&](Change& change) { return List::build(change, config); });
}

ObjectRef Registry::create_dict(std::string_view schema, std::string_view name, const DictConfig& config,
                                ObjectKind kind) {
  return create(kind, config.handles ? object_flag::handles : u16{0}, schema, name,
                [&](Change& change) { return Dict::build(change, config); });
}

ObjectRef Registry::create_queue(std::string_view schema, std::string_view name, const ListConfig& config,
                                 std::size_t limit, ObjectKind kind) {
  return create(kind, config.handles ? object_flag::handles : u16{0}, schema, name,
                [&](Change& change) { return Queue::build(change, config, limit); });
}

ObjectRef Registry::create_sync(std::string_view schema, std::string_view name, SyncConfig config, ObjectKind kind) {
  const ObjectRef companion = std::exchange(config.companion, 0);
  const ObjectRef made = create(kind, companion != 0 ? object_flag::handles : u16{0}, schema, name,
                                [&](Change& change) { return build_sync(change, config); });
  if (companion == 0) return made;
  try {  // a commit of its own: nobody but this process has the object yet
    Sync(*segment_, Objects(*segment_).find(index_of(made))->body.load()).set_companion(companion);
  } catch (...) {
    release(made);
    throw;
  }
  return made;
}

void Registry::release(ObjectRef ref) noexcept {
  try {
    if (Objects(*segment_).release(ref, segment_->client_slot)) made_dying().push_back(ref);
  } catch (...) {
    // A stopped process holds the lock longer than operation_timeout: the bit goes with this process' slot.
  }
  collect(*segment_);
}

// ---- names ---------------------------------------------------------------------------------------------------------

ObjectRef Registry::publish(std::string_view name, ObjectRef ref) {
  require("naming an object");
  check_name(name);
  Dict names = names_dict();
  for (Bytes present;;) {
    if (names.setdefault(key_of(name), BytesView("", 0, {&ref, 1}), present)) return 0;
    const ObjectRef existing = present.refs().at(0);
    if (existing == ref) return 0;
    if (acquire(existing)) return existing;  // else the name was removed meanwhile, and the object with it
  }
}

std::optional<std::size_t> Registry::publish_all(std::span<const NamedObject> objects, Taken taken) {
  require("naming objects");
  std::vector<KeyValue> pairs;
  pairs.reserve(objects.size());
  for (const NamedObject& o : objects) {
    check_name(o.name);
    pairs.push_back({key_of(o.name), BytesView("", 0, {&o.ref, 1})});
  }
  if (taken == Taken::refuse) return names_dict().insert(pairs);
  names_dict().update(pairs);
  collect(*segment_);
  return std::nullopt;
}

std::vector<Registry::NamedObject> Registry::hold_named() {
  ByteTable keys, values;
  names_dict().snapshot(&keys, &values);
  std::vector<NamedObject> held;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::string name(reinterpret_cast<const char*>(keys[i].data), keys[i].size);
    try {
      if (values[i].refs.empty()) refuse_damaged("the dict of names");
      const ObjectRef ref = values[i].refs[0];
      if (!acquire(ref)) continue;  // its name was removed meanwhile, and the object with it
      held.push_back({std::move(name), ref});
    } catch (...) {
      for (const NamedObject& object : held) release(object.ref);
      throw;
    }
  }
  return held;
}

ObjectRef Registry::lookup(std::string_view name) {
  require("opening an object by name");
  Dict names = names_dict();
  for (Bytes present; names.get(key_of(name), present);) {
    if (acquire(present.refs().at(0))) return present.refs()[0];
  }
  return 0;
}

bool Registry::remove(std::string_view name) {
  require("remove()");
  const bool removed = names_dict().erase(key_of(name));
  collect(*segment_);
  return removed;
}

// ---- what there is -------------------------------------------------------------------------------------------------

std::vector<ObjectInfo> Registry::objects() {
  require("objects()");
  std::map<ObjectRef, std::string> names;
  ByteTable keys, values;
  names_dict().snapshot(&keys, &values);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!values[i].refs.empty())
      names.try_emplace(values[i].refs[0], reinterpret_cast<const char*>(keys[i].data), keys[i].size);
  }
  std::vector<ObjectInfo> all;
  const Objects objects(*segment_);
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    {
      const ActivityGuard guard(*segment_, control_table(*segment_).collector[s], "taking objects apart");
      for (const ScannedSlot& found : scan_slots(*segment_, s)) {
        if (found.word.state != SlotState::live || (found.word.flags & object_flag::internal) != 0) continue;
        const ObjectSlot& slot = *objects.find(index_of(found.ref));
        const Hosted hosted(*segment_, found.word.kind, found.word.flags, found.body);
        ObjectInfo info;
        info.id = found.ref;
        if (const auto it = names.find(found.ref); it != names.end()) info.name = it->second;
        info.kind = name_of(found.word.kind);
        info.quarantined = (found.word.flags & object_flag::quarantined) != 0;
        info.references = static_cast<std::size_t>(slot.count.load()) + holders_of(slot);
        try {
          if (!hosted.has_body()) info.quarantined = true;
          if (!info.quarantined) {
            info.types = text_at(*segment_, slot.schema.load());
            info.bytes = hosted.bytes_used();  // first: it bounds what the others follow
            info.size = hosted.size();
            info.waiters = hosted.waiters();
          }
        } catch (const Corrupt&) {  // damaged, and not yet found by a check; or by a repair, which a reaper completes
          info.quarantined = true;
        }
        info.owner_pid = static_cast<pid_t>(slot.creator.load());
        all.push_back(std::move(info));
      }
    }
    sweep_stripe(*segment_, s);  // those who found the lock taken relied on its holder
  }
  std::ranges::sort(all, {}, &ObjectInfo::id);
  return all;
}

std::optional<ObjectFacts> Registry::facts(ObjectRef ref) const {
  const Objects objects(*segment_);
  const ObjectSlot* slot = objects.find(index_of(ref));
  if (slot == nullptr) return std::nullopt;
  const SlotWord word = SlotWord::of(slot->state.load());
  const ObjectFacts facts{word.kind, word.flags, slot->body.load()};
  if (word.state != SlotState::live || word.generation != generation_of(ref) || !objects.is_live(ref)) {
    return std::nullopt;
  }
  return facts;
}

std::string Registry::schema(ObjectRef ref) const {
  return facts(ref) ? text_at(*segment_, Objects(*segment_).find(index_of(ref))->schema.load()) : std::string();
}

std::string Registry::sound_name(ObjectRef ref) const {
  const auto known = facts(ref);
  if (!known) return {};
  const u64 run = Objects(*segment_).find(index_of(ref))->name.load();
  return looks_like_text(*segment_, run) ? text_at(*segment_, run) : std::string();
}

std::string Registry::name(ObjectRef ref) const {
  return facts(ref) ? text_at(*segment_, Objects(*segment_).find(index_of(ref))->name.load()) : std::string();
}

}  // namespace partage::kernel
