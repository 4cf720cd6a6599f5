// What of a namespace needs no template.
#include <partage/namespace.hpp>

#include <algorithm>

#include <partage/engine/error.hpp>

#include "manager/schema/attribute.hpp"

namespace partage {

namespace {

using Name = detail::KeyBytes<std::string>;

/// Attributes as keys and values for the length of one call into the engine.
class EncodedAttributes {
 public:
  EncodedAttributes(std::initializer_list<Attribute> attributes, const engine::ObjectPtr& container,
                    const engine::SessionPtr& session)
      : values_(attributes.size()) {
    keys_.reserve(attributes.size());
    std::size_t i = 0;
    for (const Attribute& attribute : attributes) {
      keys_.emplace_back(attribute.name());
      attribute.encode(values_[i], container, session);
      pairs_.push_back({keys_.back().view(), values_[i].view()});
      ++i;
    }
  }
  std::span<const engine::KeyValue> pairs() const { return pairs_; }

 private:
  std::vector<Name> keys_;
  std::vector<Bytes> values_;
  std::vector<engine::KeyValue> pairs_;
};

}  // namespace

std::vector<std::string> Namespace::names() const {
  engine::Snapshot keys;
  dict_.snapshot(&keys, nullptr);
  std::vector<std::string> out;
  out.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) out.push_back(detail::decode_key<std::string>(keys[i].bytes));
  std::ranges::sort(out);
  return out;
}

void Namespace::missing(const char* operation, std::string_view name) const {
  engine::throw_no_attribute(dict_.object(), operation, codec::repr(std::string(name)));
}

void Namespace::other_type(const char* operation, std::string_view name, std::string_view stored,
                           const std::string& wanted) const {
  engine::throw_attribute_type(dict_.object(), operation, codec::repr(std::string(name)), std::string(stored), wanted);
}

std::ostream& operator<<(std::ostream& out, const Namespace& attributes) {
  codec::repr(out, attributes);
  return out;
}

namespace detail {

void write_type(codec::Writer& writer, const std::string& description) {
  writer.write_count(description.size());
  writer.write(description.data(), description.size());
}

AttributeView attribute_in(const engine::ValueView& stored) {
  const auto [description, value] = schema::head_of(stored.bytes);
  return {description, {value, stored.objects}};
}

void put_type_in_front(Bytes& value, const std::string& description) {
  value = schema::attribute_of(description, value.view());
}

void set_attributes(const engine::Dict& dict, std::initializer_list<Attribute> attributes) {
  dict.update(EncodedAttributes(attributes, dict.object(), nullptr).pairs());
}

Namespace new_namespace(const engine::SessionPtr& where, const std::string& name,
                        std::initializer_list<Attribute> attributes) {
  const EncodedAttributes encoded(attributes, {}, where);
  const engine::DictType type{engine::TypeOf<Namespace>::text(), true, engine::DictKind::name_space};
  return Namespace(engine::create_dict(where, type, name, encoded.pairs()));
}

Namespace named_namespace(const engine::SessionPtr& where, const std::string& name,
                          std::initializer_list<Attribute> attributes) {
  const auto create = [&] { return new_namespace(where, name, attributes).attributes_engine().object(); };
  return codec::HandleTraits<Namespace>::make(engine::open_or_create(where, name, create));
}

}  // namespace detail
}  // namespace partage
