// This program attached to a manager's segment for the length of one command, and the objects in it.
//
// It holds what it has looked at until the command ends, so that nothing is freed under its eyes; the destructor gives
// all of it back at once. A manager is not needed: what a dead one left can be read and changed too.
//
// Thread safety: none. Errors: Failure (not_found), and those of the registry.
#pragma once

#include <memory>
#include <new>
#include <partage/error.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "manager/registry/registry.hpp"
#include "manager/schema/type.hpp"

namespace partage::tool {

/// An object that is held, with its description read.
struct HeldObject {
  ObjectRef ref = 0;
  kernel::ObjectFacts facts{};
  std::string called;  // for messages: 'stock' or #4294967297
  std::shared_ptr<const schema::Schema> types;
};

class Attachment {
 public:
  explicit Attachment(const std::string& name);
  /// Of a segment to which this process is attached already. `leave`: it no longer is afterwards.
  enum class AtEnd { leave, stay };
  Attachment(std::string name, std::shared_ptr<kernel::Segment> segment, AtEnd at_end);
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

  kernel::Segment& segment() const { return *segment_; }
  kernel::Registry& registry() { return registry_; }
  const std::string& name() const { return name_; }

  /// The object of that name, or that is written #ID.
  HeldObject object(std::string_view name_or_id);
  /// A reference that was read out of a container; false: it has gone meanwhile. Held from then on. One that is quarantined goes
  /// nowhere, and is not to be looked at.
  bool hold(ObjectRef ref);
  /// What is held already.
  HeldObject held(ObjectRef ref) const;
  /// For from_json(): the object of that name or id if it has this type. Throws TypeError otherwise.
  ObjectRef reference(std::string_view name_or_id, const schema::Type& type);

  /// "dict 'stock' of manager 'shop'", for messages.
  std::string describe(const HeldObject& object) const;

  /// What `read` makes of an object. That there is not the memory for it is said of the object: damage may ask for any
  /// amount.
  template <class Read>
  auto within_memory(const HeldObject& object, Read read) const {
    try {
      return read();
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      refuse_size(object);
    } catch (const std::length_error&) {
      refuse_size(object);
    }
  }

  kernel::List list(const HeldObject& object) const;
  kernel::Dict dict(const HeldObject& object) const;

 private:
  ObjectRef find(std::string_view name_or_id);
  [[noreturn]] void refuse_size(const HeldObject& object) const;

  std::string name_;
  std::shared_ptr<kernel::Segment> segment_;
  kernel::Registry registry_;
  AtEnd at_end_ = AtEnd::leave;
};

}  // namespace partage::tool
