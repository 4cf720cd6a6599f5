// partage::named("stock"): opens the object of that name in the manager, or creates it.
//
//   // the contents only if it is created
//   auto stock = manager.dict<std::string, int>(partage::named("stock"), {{"apples", 3}});
//
// A named object lives until Manager::remove or the manager's end; an anonymous one until its last handle goes.
// Use it when programs that do not descend from each other must find an object. Handles passed by copy need no name.
// Thread and process safety: full; of several processes that create a name at once, one does and the others open it.
// Errors (of the call it is passed to): TypeError naming both types when the object has another one; ValueError for an
// empty name or one longer than 255 bytes.
#pragma once

#include <string>
#include <utility>

namespace partage {

struct Named {
  std::string name;
};

inline Named named(std::string name) {
  return {std::move(name)};
}

}  // namespace partage
