// Serving a name in this very process: what `partage serve` and Server do.
//
//   auto segment = segment_to_serve("stock", {});    // what a dead manager left under the name, or a new one
//   serve_named(*segment, [] { tell_everybody(); }); // until told to end: message, SIGINT, SIGTERM
//
// Several may try at once: one serves. The others get a ConnectionError, from whichever step they have come to;
// state_of() then says who it is.
//
// Signals. SIGINT and SIGTERM are blocked in the calling thread during serve_named(), and end it. In a program with
// more threads they must be blocked in the others, or one of those is killed by them and all with it.
// Errors: ConnectionError; ManagerShutdown when the segment was ended (`partage clean`) before it could be adopted;
// OutOfMemory; ValueError for a name that cannot be one.
// Thread safety: any thread; calls for one segment one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "manager/server/manager.hpp"

namespace partage::kernel {

/// What a manager of that name is to serve. This process is attached to it until serve_named() serves.
std::shared_ptr<Segment> segment_to_serve(const std::string& name, const Segment::Size& size);

/// Serves it under its name until told to end. It is ready once others can connect. The thread's signal mask is
/// afterwards what it was.
void serve_named(Segment& segment, const ServiceHooks& hooks);

/// Who serves the published segment of that name. Errors of looking count as nobody.
struct NamedState {
  pid_t manager = 0;  // 0: nobody
  bool changing =
      false;  // its manager died, and somebody is just adopting it or taking it away; or it is ending: ask again
};
NamedState state_of(const std::string& name) noexcept;

}  // namespace partage::kernel
