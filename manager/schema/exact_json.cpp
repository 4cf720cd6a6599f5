#include "manager/schema/exact_json.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <cstring>
#include <optional>
#include <partage/error.hpp>

#include "manager/schema/hex.hpp"

namespace partage::schema {
namespace {

namespace json = boost::json;

constexpr const char* bytes_member = "encoded";
constexpr const char* refs_member = "refs";

/// A dump says "#7"; whoever writes one by hand may not mean an object by it, so only the form counts.
bool is_encoded(const json::value& value) {
  const auto* members = value.if_object();
  return members != nullptr && members->contains(bytes_member) &&
         (members->size() == 1 || (members->size() == 2 && members->contains(refs_member)));
}

json::value encoded(const Type& type, BytesView bytes, NameOfObject name) {
  json::object out;
  out[bytes_member] = hex_of(bytes.data, bytes.size);
  if (!bytes.refs.empty()) {
    json::array refs;
    for (const ObjectRef ref : bytes.refs) refs.push_back(name(ref, type));
    out[refs_member] = std::move(refs);
  }
  return out;
}

/// A number that text keeps as it is: small unsigned ones come back as signed.
bool survives_as_text(const json::value& value) {
  if (const auto* u = value.if_uint64()) return *u > static_cast<std::uint64_t>(INT64_MAX);
  if (const auto* array = value.if_array()) return std::ranges::all_of(*array, survives_as_text);
  if (const auto* object = value.if_object()) {
    return std::ranges::all_of(*object, [](const auto& member) { return survives_as_text(member.value()); });
  }
  return true;
}

bool same(BytesView a, BytesView b) {
  return a.size == b.size && (a.size == 0 || std::memcmp(a.data, b.data, a.size) == 0) &&
         std::ranges::equal(a.refs, b.refs);
}

/// Or may have: what is in itself is not looked into.
bool has_object(const Type& type) {
  return type.form == Form::object || type.nests ||
         std::ranges::any_of(type.parts, [](const Type* part) { return has_object(*part); });
}

/// Whether `shown`, read again, is these bytes.
bool reads_back(const Type& type, BytesView bytes, const json::value& shown, Role role) {
  // Every handle was shown as the name of its object; here the references themselves stand for the names, in order.
  std::size_t next = 0;
  const auto find = [&](std::string_view, const Type&) { return next < bytes.refs.size() ? bytes.refs[next++] : 0; };
  try {
    return same(from_json(type, shown, find, role, Variants::by_index).view(), bytes);
  } catch (const TypeError&) {
  } catch (const ValueError&) {
  }
  return false;
}

}  // namespace

json::value to_exact_json(const Type& type, BytesView bytes, NameOfObject name, Role role) {
  json::value shown = to_json(type, bytes, name, role);
  const bool is_plain =
      type.form == Form::integer || type.form == Form::boolean || (type.form == Form::text && shown.is_string());
  if (is_plain) return shown;  // nothing can go wrong with what stands in most containers
  if (!is_encoded(shown) && (!has_object(type) || survives_as_text(shown)) && reads_back(type, bytes, shown, role)) {
    return shown;
  }
  return encoded(type, bytes, name);
}

Bytes from_exact_json(const Type& type, const json::value& value, ObjectOfName find, Role role) {
  if (!is_encoded(value)) {
    const auto find_typed = [&](std::string_view name, const Type& wanted) { return find(name, &wanted); };
    return from_json(type, value, find_typed, role, Variants::by_index);
  }
  const auto refuse = [&](const std::string& what) {
    return ValueError("partage: " + type.text + ": an \"encoded\" value " + what);
  };
  const json::object& members = value.get_object();
  const auto* text = members.at(bytes_member).if_string();
  const auto bytes = text != nullptr ? bytes_of_hex({text->data(), text->size()}) : std::nullopt;
  if (!bytes) throw refuse("is not written as pairs of hexadecimal digits");
  std::vector<ObjectRef> refs;
  if (const auto* names = members.if_contains(refs_member)) {
    if (!names->is_array()) throw refuse("has \"refs\" that are no list");
    for (const json::value& name : names->get_array()) {
      if (!name.is_string()) throw refuse("has \"refs\" that are no \"#id\"s");
      refs.push_back(find({name.get_string().data(), name.get_string().size()}, nullptr));
    }
  }
  Bytes out;
  out.assign({bytes->data(), bytes->size(), refs});
  try {
    // What is described must be right; and each handle must be to an object of its type.
    std::size_t next = 0;
    const auto check = [&](ObjectRef, const Type& wanted) {
      if (next == refs.size()) throw refuse("has a handle in its bytes, and no \"refs\" for it");
      const json::string& name = members.at(refs_member).get_array()[next++].get_string();
      (void)find({name.data(), name.size()}, &wanted);
      return json::value();
    };
    (void)to_json(type, out.view(), check, role);
  } catch (const Corrupt& e) {
    throw refuse(std::string("cannot be read: ") + static_cast<const Error&>(e).what());
  }
  return out;
}

}  // namespace partage::schema
