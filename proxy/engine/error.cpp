#include <partage/engine/error.hpp>
#include <partage/engine/type_check.hpp>
#include <partage/error.hpp>

#include "manager/registry/hosted.hpp"
#include "proxy/engine/access.hpp"

namespace partage::engine {

std::string describe(const SharedObject& object) {
  const char* kind = kernel::name_of(object.kind);
  const std::string name = name_of(object);
  if (!name.empty()) return std::string(kind) + " '" + name + '\'';
  return std::string(kind) + " #" + std::to_string(kernel::index_of(object.ref));
}

std::string describe(const ObjectPtr& object) {
  if (!object) return "an empty handle";
  return describe(*static_cast<const SharedObject*>(object.get()));
}

namespace {
std::string start(const ObjectPtr& object, const char* operation) {
  return "partage: " + (object ? describe(object) : "ordered_dict") + ": " + operation + ": ";
}
}  // namespace

void throw_key_error(const ObjectPtr& object, const char* operation, const std::string& key) {
  throw KeyError(start(object, operation) + "there is no key " + key +
                 "; use contains(), get() or a fallback where a key may be missing");
}

void throw_empty_dict(const ObjectPtr& object, const char* operation) {
  throw KeyError(start(object, operation) + "the dict is empty; check size() first");
}

void throw_no_element(const ObjectPtr& set, const char* operation, const std::string& element) {
  throw KeyError(start(set, operation) + "there is no element " + element +
                 "; use discard() or contains() where it may be missing");
}

void throw_empty_set(const ObjectPtr& set, const char* operation) {
  throw KeyError(start(set, operation) + "the set is empty; check size() first");
}

void throw_no_attribute(const ObjectPtr& name_space, const char* operation, const std::string& name) {
  throw KeyError(start(name_space, operation) + "there is no attribute " + name +
                 "; use contains() or a fallback where it may be missing");
}

void throw_attribute_type(const ObjectPtr& name_space, const char* operation, const std::string& name,
                          const std::string& stored, const std::string& wanted) {
  throw TypeError(start(name_space, operation) + "the attribute " + name + " is a " + stored +
                  " and was asked for as a " + wanted + "; use the type it was set with");
}

void throw_not_in_list(const ObjectPtr& object, const char* operation, const std::string& value) {
  throw ValueError(start(object, operation) + value + " is not in the list; use contains() where it may be missing");
}

void throw_negative_length(std::ptrdiff_t size) {
  throw ValueError("partage: an array cannot have " + std::to_string(size) + " elements; use 0 or more");
}

void throw_handle_in_key(const std::string& type) {
  throw ValueError("partage: a value of " + type +
                   " with a handle inside cannot be a key; use a number or a name that stands for the object");
}

void check_type(const ObjectPtr& object, const std::string& type) {
  const auto& shared = *static_cast<const SharedObject*>(object.get());
  const std::string stored = type_of(shared);
  if (stored == type) return;
  throw TypeError("partage: " + describe(shared) + ": it is a " + stored + " and was opened as a " + type +
                  "; open it with the types it was created with");
}

}  // namespace partage::engine
