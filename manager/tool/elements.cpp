// get, set, del: one object, or one element of it.
#include <charconv>
#include <iostream>
#include <partage/error.hpp>

#include "manager/schema/attribute.hpp"
#include "manager/schema/from_json.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/parse_json.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/object_json.hpp"
#include "manager/tool/shell_word.hpp"

namespace partage::tool {
namespace {

std::ptrdiff_t index_in(const Attachment& attachment, const HeldObject& object, const std::string& word) {
  std::ptrdiff_t i = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, i);
  if (error == std::errc() && stop == end) return i;
  throw Failure{Exit::misused, "partage: '" + word + "' is no index of " + attachment.describe(object) +
                                   "; 0 is the first element, -1 the last"};
}

[[noreturn]] void no_element(const Attachment& attachment, const HeldObject& object, const std::string& key) {
  if (kernel::shape_of(object.facts.kind) == kernel::Shape::dict) {
    const char* what = is_set(object)         ? " has no element "
                       : is_namespace(object) ? " has no attribute "
                                              : " has no key ";
    throw Failure{Exit::not_found, "partage: " + attachment.describe(object) + what + key};
  }
  const std::size_t size = attachment.list(object).size();
  throw Failure{Exit::not_found, "partage: " + attachment.describe(object) + " has no element " + key + ", it has " +
                                     std::to_string(size) + (size == 1 ? " element" : " elements")};
}

bool is_value(const HeldObject& object) {
  return object.facts.kind == kernel::ObjectKind::value;
}

[[noreturn]] void no_key_of_value(const Attachment& attachment, const HeldObject& object) {
  throw Failure{Exit::misused,
                "partage: " + attachment.describe(object) + " is one value and has no elements; leave the key out"};
}

bool is_list(const Attachment& attachment, const HeldObject& object) {
  switch (kernel::shape_of(object.facts.kind)) {
    case kernel::Shape::list:
      return true;
    case kernel::Shape::dict:
      return false;
    case kernel::Shape::queue:
    case kernel::Shape::sync:
    case kernel::Shape::unknown:
      break;
  }
  throw Failure{Exit::misused,
                "partage: " + attachment.describe(object) + " has no elements that can be named; get it as a whole"};
}

/// What a word of the command line says, as bytes. `what` of the object it is, for messages: "key x".
Bytes bytes_of(Attachment& attachment, const HeldObject& object, const std::string& what, const schema::Type& type,
               const std::string& word, schema::Role role) {
  const auto find = [&](std::string_view name, const schema::Type& wanted) {
    return attachment.reference(name, wanted);
  };
  const auto sentence = [&](const Error& e) {
    return "partage: " + what + " of " + attachment.describe(object) + ": " + without_prefix(e.what());
  };
  try {
    return schema::from_word(type, word, find, role);
  } catch (const TypeError& e) {
    throw TypeError(sentence(e));
  } catch (const ValueError& e) {
    throw ValueError(sentence(e));
  }
}
Bytes key_of(Attachment& attachment, const HeldObject& object, const std::string& word) {
  return bytes_of(attachment, object, "key '" + word + '\'', *element_types(object).key, word, schema::Role::key);
}

/// A set has elements that can be deleted, and nothing that belongs to one.
void refuse_set(const Attachment& attachment, const HeldObject& object) {
  if (!is_set(object)) return;
  throw Failure{Exit::misused, "partage: nothing is stored under the elements of " + attachment.describe(object) +
                                   "; get it as a whole, or delete single elements with del"};
}

/// The type of a new attribute, by what a word of the command line says.
std::string description_of(const std::string& word) {
  const auto value = schema::parse_json_if(word);
  if (!value || value->is_string()) return "str";
  if (value->is_bool()) return "bool";
  if (value->is_int64()) return "i64";
  if (value->is_uint64()) return "u64";
  return value->is_double() ? "f64" : "object";
}

/// An attribute keeps the type it has.
Bytes attribute_bytes(Attachment& attachment, const HeldObject& object, BytesView name, const std::string& what,
                      const std::string& word) {
  Bytes present;
  const bool there = attachment.dict(object).get(name, present);
  const std::string description =
      there ? std::string(schema::head_of(present.view()).description) : description_of(word);
  const schema::Schema types(description);
  return schema::attribute_of(description,
                              bytes_of(attachment, object, what, types.root(), word, schema::Role::value).view());
}

Bytes read_element(Attachment& attachment, ObjectJson& objects, const HeldObject& object, const std::string& key) {
  const bool in_list = is_list(attachment, object);
  const std::ptrdiff_t index = in_list ? index_in(attachment, object, key) : 0;
  const Bytes key_bytes = in_list ? Bytes() : key_of(attachment, object, key);
  Bytes value;
  do {
    const bool there =
        in_list ? attachment.list(object).get(index, value) : attachment.dict(object).get(key_bytes.view(), value);
    if (!there) no_element(attachment, object, key);
  } while (!objects.hold(value.view()));  // else it was replaced meanwhile
  return value;
}

}  // namespace

void get(const std::string& name, const std::string& object_name, const std::optional<std::string>& key, bool as_json) {
  Attachment attachment(name);
  ObjectJson objects(attachment);
  const HeldObject object = attachment.object(object_name);
  boost::json::value shown;
  if (key && is_value(object)) no_key_of_value(attachment, object);
  if (key) {
    refuse_set(attachment, object);
    shown = objects.element(object, read_element(attachment, objects, object, *key).view());
  } else {
    shown = objects.object(object);
  }
  std::cout << (as_json ? schema::compact(shown) : schema::readable(shown)) << '\n';
}

void set(const std::string& name, const std::string& object_name, const std::optional<std::string>& given_key,
         const std::string& word) {
  Attachment attachment(name);
  const HeldObject object = attachment.object(object_name);
  refuse_set(attachment, object);
  if (given_key && is_value(object)) no_key_of_value(attachment, object);
  const bool in_list = is_list(attachment, object);
  if (!given_key && !is_value(object)) {
    throw Failure{Exit::misused, "partage: " + attachment.describe(object) +
                                     " has elements; say which of them: `partage set " + shell_word(name) + ' ' +
                                     shell_word(object_name) + " KEY VALUE`"};
  }
  const std::string key = given_key.value_or("0");
  const std::ptrdiff_t index = in_list ? index_in(attachment, object, key) : 0;
  const Bytes key_bytes = in_list ? Bytes() : key_of(attachment, object, key);
  const std::string what = given_key ? "the value of '" + key + '\'' : "the contents";
  const Bytes value = is_namespace(object)
                          ? attribute_bytes(attachment, object, key_bytes.view(), what, word)
                          : bytes_of(attachment, object, what, *element_types(object).value, word, schema::Role::value);
  if (!in_list) {
    attachment.dict(object).set(key_bytes.view(), value.view());
    return;
  }
  const kernel::List list = attachment.list(object);
  const std::size_t packed = list.config().packed_size;
  if (packed != 0 && packed != value.size()) {
    throw Corrupt("partage: the elements of " + attachment.describe(object) + " have " + std::to_string(packed) +
                  " bytes, which is not what its description says; they are left as they are");
  }
  if (!list.set(index, value.view())) no_element(attachment, object, key);
}

void del(const std::string& name, const std::string& object_name, const std::optional<std::string>& key) {
  Attachment attachment(name);
  // A name can be taken away from an object that cannot be looked at.
  if (!key && !attachment.segment().unmanaged() && !object_name.empty() && attachment.registry().remove(object_name))
    return;
  const HeldObject object = attachment.object(object_name);
  if (key && is_value(object)) no_key_of_value(attachment, object);
  if (key && object.facts.kind == kernel::ObjectKind::array) {
    throw Failure{Exit::misused, "partage: " + attachment.describe(object) +
                                     " has a fixed length; `set` changes an element, none can be deleted"};
  }
  if (key) {
    const bool done = is_list(attachment, object)
                          ? attachment.list(object).erase(index_in(attachment, object, *key))
                          : attachment.dict(object).erase(key_of(attachment, object, *key).view());
    if (!done) no_element(attachment, object, *key);
    return;
  }
  if (attachment.segment().unmanaged()) {
    throw Failure{Exit::misused, "partage: '" + name + "' is a message queue, which goes as a whole; `partage clean " +
                                     shell_word(name) + "` removes it"};
  }
  for (const ObjectInfo& info : attachment.registry().objects()) {  // it was named by its id
    if (info.id == object.ref && !info.name.empty() && attachment.registry().remove(info.name)) return;
  }
  throw Failure{Exit::failed, "partage: " + attachment.describe(object) +
                                  " has no name to be removed; it goes when nothing refers to it any more"};
}

}  // namespace partage::tool
