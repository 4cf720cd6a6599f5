// The registry of a segment: which objects there are, what they are called, and who may still use them.
//
// A process-local view; cheap to make. References it takes are held by this process: by the client slot
// segment.client_slot, which Clients::attach() or adopt() has set. One process holds an object once, however many
// handles it has; counting those is the caller's.
//
// Names are a dict in the segment (name -> handle), made by format() and marked object_flag::internal. So a name is a
// reference like any other: giving one, taking one away and what follows from it are single commits of kernel and dict.
//
// Crash: every member is one commit, or several of which each leaves a sound segment:
//   create    one commit; dies before it: nothing. After it: the dead client's slot holds it, and it is reaped with it
//   publish, publish_all   one commit of the dict of names (and of the objects' counts)
//   release   one commit; a dying object is finished by anybody (collect.hpp)
//
// Thread and process safety: every member may be called by any thread of any attached process at any time.
// Errors: ManagerShutdown after the end of the manager; ManagerLost when it is dead, from calls marked (m), unless the
// Registry was made for Control::alone; OutOfMemory, TimeoutError, ValueError; in every case nothing has changed.
#pragma once

#include <optional>
#include <partage/object_info.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "manager/container/dict.hpp"
#include "manager/container/list.hpp"
#include "manager/container/queue.hpp"
#include "manager/container/sync.hpp"
#include "manager/registry/clients.hpp"
#include "manager/registry/collect.hpp"
#include "manager/registry/hosted.hpp"
#include "manager/registry/service.hpp"

namespace partage::kernel {

/// Whether control calls need a living manager process: yes, except in the manager itself and in tools. In a segment that
/// never has one (Segment::unmanaged()) they never do.
enum class Control { needs_manager, alone };

/// What the registry knows of one object.
struct ObjectFacts {
  ObjectKind kind;
  u16 flags;  // object_flag
  u64 body;   // offset of the container
};

class Registry {
 public:
  explicit Registry(Segment& segment, Control control = Control::needs_manager) noexcept
      : segment_(&segment), control_(control) {}

  /// Makes the tables of a fresh segment, before anybody else has it. Also calls register_repairs().
  static void format(Segment& segment);

  /// (m) A new empty object, held by this process. `schema` is its description; `name` what it will be published as,
  /// for messages and tools; empty: anonymous.
  /// `kind`: one whose shape is a list, a dict.
  ObjectRef create_list(std::string_view schema, std::string_view name, const ListConfig& config,
                        ObjectKind kind = ObjectKind::list);
  ObjectRef create_dict(std::string_view schema, std::string_view name, const DictConfig& config,
                        ObjectKind kind = ObjectKind::dict);

  ObjectRef create_queue(std::string_view schema, std::string_view name, const ListConfig& config, std::size_t limit,
                         ObjectKind kind);
  /// A condition has a companion, which this process holds.
  ObjectRef create_sync(std::string_view schema, std::string_view name, SyncConfig config, ObjectKind kind);

  /// (m) Gives the object the name unless it is taken, in one step. Returns 0 when the object has it now, else the
  /// object that has it, which this process then holds.
  ObjectRef publish(std::string_view name, ObjectRef ref);
  struct NamedObject {
    std::string name;
    ObjectRef ref;
  };
  /// (m) Gives many names as ONE step. Of those that are taken already: `refuse` returns the place of the first, and nothing
  /// has happened; `replace` takes them away from the objects that had them.
  enum class Taken { refuse, replace };
  std::optional<std::size_t> publish_all(std::span<const NamedObject> objects, Taken taken);
  /// Every name with its object, which this process then holds, in the order in which they were given.
  std::vector<NamedObject> hold_named();
  /// (m) The object of that name, which this process then holds; 0: there is none.
  ObjectRef lookup(std::string_view name);
  /// (m) Takes the name away; the object lives on while others refer to it. False: no such name.
  bool remove(std::string_view name);
  /// (m) Every object, sorted by id.
  std::vector<ObjectInfo> objects();

  /// This process holds the object. False: it has gone.
  bool acquire(ObjectRef ref) { return Objects(*segment_).acquire(ref, segment_->client_slot); }
  /// This process no longer holds it. If that was the last reference, the object is taken apart.
  void release(ObjectRef ref) noexcept;

  /// nullopt: it has gone. What is returned stays true while this process holds the object.
  std::optional<ObjectFacts> facts(ObjectRef ref) const;
  /// Its description and name ("" when anonymous). Only while this process holds it.
  std::string schema(ObjectRef ref) const;
  std::string name(ObjectRef ref) const;
  /// The same of an object that may be damaged; "" when it cannot be read.
  std::string sound_name(ObjectRef ref) const;

  /// The dict of names.
  ObjectRef names() const;

 private:
  ObjectRef create(ObjectKind kind, u16 flags, std::string_view schema, std::string_view name,
                   std::function<u64(Change&)> build);
  void require(const char* call) const;
  Dict names_dict() const;

  Segment* segment_;
  Control control_;
};

}  // namespace partage::kernel
