// The errors a proxy throws by itself, out of line: "partage: dict 'stock': pop: there is no key 'x'; use ...".
//
// Thread safety: full.
#pragma once

#include <string>

#include <partage/engine/object.hpp>
#include <partage/export.hpp>

namespace partage::engine {

/// "list 'stock'" or "list #12"; "an empty handle" for none.
PARTAGE_API std::string describe(const ObjectPtr& object);

[[noreturn]] PARTAGE_API void throw_key_error(const ObjectPtr& object, const char* operation, const std::string& key);
[[noreturn]] PARTAGE_API void throw_empty_dict(const ObjectPtr& object, const char* operation);
[[noreturn]] PARTAGE_API void throw_no_element(const ObjectPtr& set, const char* operation, const std::string& element);
[[noreturn]] PARTAGE_API void throw_empty_set(const ObjectPtr& set, const char* operation);
[[noreturn]] PARTAGE_API void throw_no_attribute(const ObjectPtr& name_space, const char* operation,
                                                 const std::string& name);
/// An attribute that was stored as one type and is asked for as another.
[[noreturn]] PARTAGE_API void throw_attribute_type(const ObjectPtr& name_space, const char* operation,
                                                   const std::string& name, const std::string& stored,
                                                   const std::string& wanted);
[[noreturn]] PARTAGE_API void throw_not_in_list(const ObjectPtr& object, const char* operation,
                                                const std::string& value);
[[noreturn]] PARTAGE_API void throw_handle_in_key(const std::string& type);

/// Of an array.
[[noreturn]] PARTAGE_API void throw_negative_length(std::ptrdiff_t size);

}  // namespace partage::engine
