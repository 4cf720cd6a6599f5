#include <partage/engine/process_tree.hpp>

#include "proxy/engine/sessions.hpp"

namespace partage::engine {

SessionPtr process_tree() {
  return Sessions::process_tree();
}

}  // namespace partage::engine
