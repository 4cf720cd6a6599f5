// How ListProxy::sort and sort_by sort: `list.sort({.reverse = true})`.
//
// Thread safety: a plain value.
#pragma once

namespace partage {

struct SortOptions {
  bool reverse = false;  ///< descending; equal elements keep their order all the same
};

}  // namespace partage
