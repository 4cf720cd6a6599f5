// What the library has to say about itself: processes that died, what was repaired after them, managers that begin and end.
//
//   partage::set_log([](partage::LogLevel level, std::string_view message) {
//     std::cerr << partage::name_of(level) << ": " << message << '\n';
//   });
//
// Without a function the library says nothing. Errors are exceptions, never messages only.
//
//   debug    a process attached to or left the manager; the segment grew; a worker of a pool was replaced as planned
//   info     a manager was started, taken over, connected to, stopped
//   warning  a process died, and what it was doing was finished or undone; a worker of a pool died
//   error    something could not be done that others may rely on
//
// Who says it. A process says what it does itself: starting and stopping managers, its pools. What a manager sees (processes that
// come and go, deaths, repairs, growth) is said by the process that serves: a `Server` or `partage serve`. The manager process
// that `Manager` starts runs nothing of the program, and so does not call its function.
//
// The function is called by the thread that does it, outside all locks of the library, never in a signal handler nor inside
// fork(). It may use shared objects; what the library would say of that is left out, as nothing is said within it. A slow one
// delays the manager it is called from. An exception that leaves it is swallowed.
// Thread safety: set_log() may be called by any thread at any time, and in the function itself. The function may be called by
// several threads at a time. A forked child has its parent's function.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <partage/export.hpp>

namespace partage {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// "debug", "info", "warning", "error"
PARTAGE_API const char* name_of(LogLevel level) noexcept;

using LogFunction = std::function<void(LogLevel level, std::string_view message)>;

/// Calls `function` for what is at least `least` from now on; nullptr: nothing. When this returns, nobody is in the function
/// that was there before, and it is destroyed. Within a function, or in a forked child that inherited one, nobody is waited for.
PARTAGE_API void set_log(LogFunction function, LogLevel least = LogLevel::info);

}  // namespace partage
