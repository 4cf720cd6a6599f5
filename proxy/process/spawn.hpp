#pragma once
#include <partage/error.hpp>
#include "proxy/process/child.hpp"
namespace partage::engine::process {
inline Started spawn_child(Child&, Process&) { throw ProcessError("not yet"); }
}
