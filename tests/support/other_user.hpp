// Becoming another user, for good, in a forked child of a test that runs as root.
//
//   if (const char* why = why_no_other_user()) { MESSAGE("skipped: ", why); return; }
//   run_child([] { become_user(some_user); ... }, 10s);
//
// Thread safety: for a process with one thread.
#pragma once

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace partage::test {

/// Users without any rights of their own: that of the kernel for "nobody", and one that no machine knows by name.
inline constexpr uid_t nobody = 65534, somebody = 54'321;

/// A sentence when this process may not do it; else nullptr.
inline const char* why_no_other_user() {
  return ::geteuid() == 0 ? nullptr : "only root can become another user";
}

/// All ids, no further groups. It dies with its parent, as children of tests do. The process stays one that may look at itself (PR_SET_DUMPABLE), as if it had been started so.
inline void become_user(uid_t user) {
  const auto must = [](int result, const char* call) {
    if (result != 0) throw std::system_error(errno, std::generic_category(), call);
  };
  must(::setgroups(0, nullptr), "setgroups");
  must(::setresgid(user, user, user), "setresgid");
  must(::setresuid(user, user, user), "setresuid");
  must(::prctl(PR_SET_DUMPABLE, 1), "prctl(PR_SET_DUMPABLE)");
  must(::prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl(PR_SET_PDEATHSIG)");  // which a change of the ids takes back
}

}  // namespace partage::test
