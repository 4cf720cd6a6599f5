#include <partage/start_method.hpp>

#include <atomic>
#include <partage/error.hpp>
#include <string>

namespace partage {

namespace {
constexpr int not_set = -1;
std::atomic<int> chosen{not_set};  // a child of a fork has its parent's; others are told
}  // namespace

void set_start_method(StartMethod method, bool force) {
  int expected = not_set;
  if (force) {
    chosen = static_cast<int>(method);
  } else if (!chosen.compare_exchange_strong(expected, static_cast<int>(method))) {
    throw ProcessError("partage: set_start_method: it was set to " + std::string(name_of(get_start_method())) +
                       " already; set it once, at the beginning of main(), or give ProcessOptions{.start_method} where "
                       "one Process shall differ");
  }
}

StartMethod get_start_method() {
  const int method = chosen.load();
  return method == not_set ? StartMethod::fork : static_cast<StartMethod>(method);
}

const char* name_of(StartMethod method) {
  switch (method) {
    case StartMethod::fork:
      return "fork";
    case StartMethod::spawn:
      return "spawn";
    case StartMethod::forkserver:
      return "forkserver";
  }
  return "?";
}

}  // namespace partage
