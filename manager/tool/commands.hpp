// The commands of the `partage` program, one function each. They print to stdout and throw Failure or an error of the
// library.
//
// `json`: one line of JSON instead of what is made for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/segment/segment.hpp"

namespace partage::tool {

void serve(const std::string& name, const kernel::Segment::Size& size);
void stop(const std::string& name);
void list_managers(bool json);
void list_objects(const std::string& name, bool json);
/// The groups of objects that keep each other.
void list_cycles(const std::string& name, bool json);
void get(const std::string& name, const std::string& object, const std::optional<std::string>& key, bool json);
/// Without `key`: of a value.
void set(const std::string& name, const std::string& object, const std::optional<std::string>& key,
         const std::string& value);
void del(const std::string& name, const std::string& object, const std::optional<std::string>& key);
/// `names`: only those; empty: all there are.
void clean(const std::vector<std::string>& names, bool json);
void version(bool json);

}  // namespace partage::tool
