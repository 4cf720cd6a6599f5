// Makes the objects of a dump.
//
// All of them are made and filled while nobody can find them, and then get their names in one step. Whatever goes wrong
// before that, the manager is as it was. (Killed in the middle: as it was, but for anonymous objects that keep each other,
// which `ls --cycles` shows.)
//
// Thread safety: none. Errors: Failure: a name is taken; OutOfMemory, TimeoutError, ManagerShutdown.
#pragma once

#include "manager/registry/registry.hpp"
#include "manager/tool/attachment.hpp"
#include "manager/tool/dump_reader.hpp"

namespace partage::tool {

void load_dump(Attachment& attachment, const Dump& dump, kernel::Registry::Taken taken);

}  // namespace partage::tool
