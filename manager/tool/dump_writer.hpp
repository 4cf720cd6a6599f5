// The objects of a segment as the text of a dump (docs/program.md shows the form), an object at a time.
//
// References to other objects stand for themselves ("#7"), so that what is shared stays shared, and cycles are no trouble.
// Each object is one consistent state; several are not of one moment. Locks and permits belong to processes, which are no
// part of a dump: a lock is free in it, and a semaphore has all permits back that processes hold; so a joinable queue has
// the items back that were got and are not done.
//
// Thread safety: none. Complexity: O(contents); memory for one object and its text, and a few words for each object.
// Errors: Corrupt for an object that its description does not fit; TimeoutError, when a stopped process holds its lock;
// Failure, when it changes faster than it can be read; what `take` throws.
#pragma once

#include <partage/function_view.hpp>
#include <string_view>

#include "manager/tool/attachment.hpp"

namespace partage::tool {

struct DumpForm {
  bool readable = false;  // for people: lines of bearable length
  bool unnamed = false;   // also what no name leads to: objects that only processes hold
};

/// Hands the text to `take` in pieces.
void write_dump(Attachment& attachment, const DumpForm& form, FunctionView<void(std::string_view)> take);

}  // namespace partage::tool
