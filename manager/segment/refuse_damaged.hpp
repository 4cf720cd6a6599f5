// What an operation throws that meets words no operation of ours has left. It changes nothing; the check names the object.
//
// Thread safety: no state.
#pragma once

#include <partage/error.hpp>
#include <string>

namespace partage::kernel {

/// `what` as the subject of a sentence: "a list".
[[noreturn]] inline void refuse_damaged(const std::string& what) {
  throw Corrupt("partage: " + what + " is damaged; `partage check` says more");
}

}  // namespace partage::kernel
