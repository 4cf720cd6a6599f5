#include <partage/registered.hpp>

#include <map>
#include <partage/error.hpp>
#include <typeindex>
#include <utility>

#include "proxy/process/registered.hpp"

namespace partage::engine {

namespace {

struct Functions {
  std::map<std::pair<std::string, std::string>, Code> by_name;  // name and type
  std::map<std::pair<Code, std::string>, std::string> by_code;
};
Functions& functions() {
  static Functions* const f = new Functions;  // static objects register, and may be called by destructors of others
  return *f;
}

std::map<std::type_index, process::ProcessClass>& classes() {
  static auto* const c = new std::map<std::type_index, process::ProcessClass>;
  return *c;
}

}  // namespace

void register_function(std::string name, std::string type, Code code) {
  functions().by_code.try_emplace({code, type}, name);
  const auto [it, is_new] = functions().by_name.try_emplace({std::move(name), std::move(type)}, code);
  if (!is_new && it->second != code) it->second = nullptr;  // two functions of one name: neither
}

std::string name_of_function(Code code, const std::string& type) {
  const auto it = functions().by_code.find({code, type});
  if (it == functions().by_code.end()) {
    throw ValueError("partage: FunctionRef: a " + type +
                     " was given that has no name in other processes; write PARTAGE_FUNCTION(its_name); beside it, at "
                     "namespace scope");
  }
  return it->second;
}

Code function_named(const std::string& name, const std::string& type) {
  if (name.empty()) throw ValueError("partage: FunctionRef: it refers to no function; assign one before the call");
  const auto it = functions().by_name.find({name, type});
  if (it == functions().by_name.end() || it->second == nullptr) {
    throw ValueError("partage: FunctionRef: '" + name + "', a " + type + ", " +
                     (it == functions().by_name.end()
                          ? "is not known to this program; link it, with PARTAGE_FUNCTION(" + name + ");"
                          : "is registered for two functions; rename one, or write its name with the namespace"));
  }
  return it->second;
}

namespace process {

void register_class(const std::type_info& type, const ProcessClass& description) {
  classes().try_emplace(type, description);
}

const ProcessClass* find_class(const std::type_info& type) {
  const auto it = classes().find(type);
  return it == classes().end() ? nullptr : &it->second;
}

const ProcessClass* find_class(const std::string& name) {
  for (const auto& [type, description] : classes()) {
    if (description.name == name) return &description;
  }
  return nullptr;
}

}  // namespace process
}  // namespace partage::engine
