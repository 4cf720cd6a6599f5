#include "manager/tool/attachment.hpp"

#include <charconv>
#include <partage/error.hpp>

#include "manager/registry/quarantine.hpp"
#include "manager/schema/facts.hpp"
#include "manager/server/manager.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/shell_word.hpp"

namespace partage::tool {
namespace {

std::shared_ptr<kernel::Segment> attach(const std::string& name) {
  auto segment = look_at(name);
  try {
    kernel::join_segment(*segment);
  } catch (const ManagerShutdown&) {
    throw Failure{Exit::not_found, "partage: the manager '" + name + "' has ended; its objects are gone"};
  }
  return segment;
}

/// #12 -> 12; 0 is no object.
ObjectRef id_in(std::string_view text) {
  ObjectRef id = 0;
  if (!text.starts_with('#')) return 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, id);
  return error == std::errc() && stop == end ? id : 0;
}

}  // namespace

Attachment::Attachment(const std::string& name)
    : name_(name_in(name)), segment_(attach(name_)), registry_(*segment_, kernel::Control::alone) {}

Attachment::Attachment(std::string name, std::shared_ptr<kernel::Segment> segment, AtEnd at_end)
    : name_(std::move(name)),
      segment_(std::move(segment)),
      registry_(*segment_, kernel::Control::alone),
      at_end_(at_end) {}

Attachment::~Attachment() {
  kernel::collect(*segment_);
  if (at_end_ == AtEnd::leave) kernel::leave_segment(*segment_);
}

ObjectRef Attachment::find(std::string_view name_or_id) {
  if (!name_or_id.empty()) {
    if (const ObjectRef ref = registry_.lookup(name_or_id); ref != 0) return ref;
  }
  const ObjectRef id = id_in(name_or_id);
  const auto facts = id != 0 ? registry_.facts(id) : std::nullopt;
  if (facts && (facts->flags & kernel::object_flag::internal) == 0 && registry_.acquire(id)) return id;
  return 0;
}

HeldObject Attachment::object(std::string_view name_or_id) {
  const ObjectRef ref = find(name_or_id);
  if (ref == 0) {
    throw Failure{Exit::not_found, "partage: manager '" + name_ + "' has no object '" + std::string(name_or_id) +
                                       "'; `partage ls " + shell_word(name_) + "` shows all"};
  }
  return held(ref);
}

bool Attachment::hold(ObjectRef ref) {
  return kernel::is_quarantined(*segment_, ref) || registry_.acquire(ref);
}

HeldObject Attachment::held(ObjectRef ref) const {
  const auto facts = registry_.facts(ref);
  if (!facts) throw Corrupt("partage: an object went away while this process held it");
  const std::string name = registry_.name(ref);
  return {ref, *facts, name.empty() ? '#' + std::to_string(ref) : '\'' + name + '\'',
          std::make_shared<const schema::Schema>(registry_.schema(ref))};
}

ObjectRef Attachment::reference(std::string_view name_or_id, const schema::Type& type) {
  const HeldObject object = this->object(name_or_id);
  if (type.form != schema::Form::handle && !schema::is_same(object.types->root(), type)) {
    throw TypeError("partage: " + describe(object) + " is a " + object.types->root().text + ", and a " + type.text +
                    " is wanted");
  }
  return object.ref;
}

std::string Attachment::describe(const HeldObject& object) const {
  return std::string(kernel::name_of(object.facts.kind)) + ' ' + object.called + " of manager '" + name_ + '\'';
}

void Attachment::refuse_size(const HeldObject& object) const {
  throw Failure{Exit::failed, "partage: there is not enough memory to read " + describe(object) +
                                  "; if it is not that large it is damaged, as `partage check " + shell_word(name_) +
                                  "` will say"};
}

kernel::List Attachment::list(const HeldObject& object) const {
  return {*segment_, object.facts.body};
}

kernel::Dict Attachment::dict(const HeldObject& object) const {
  return {*segment_, segment_->at<kernel::DictBody>(object.facts.body)};
}

}  // namespace partage::tool
