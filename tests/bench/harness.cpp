#include "tests/bench/harness.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "tests/bench/interrupt.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr int max_workers = 64;
constexpr auto patience = 60s;  // for a worker that does not become ready, or does not end

/// What workers and parent share: the barrier, the stop flag, and what each worker reports. The flag that everybody
/// reads has a cache line of its own.
struct Board {
  std::atomic<int> ready{0}, finished{0};
  std::atomic<std::int64_t> begin{0};
  std::atomic<bool> go{false}, failed{false};
  char failure[400] = {};
  alignas(64) std::atomic<bool> stop{false};
  alignas(64) Turn turns[max_workers];
};

std::int64_t now() {
  return Clock::now().time_since_epoch() / 1ns;
}

void fail(Board& board, const char* what) {
  if (board.failed.exchange(true)) return;
  std::strncpy(board.failure, what, sizeof board.failure - 1);
}

void work(Board& board, int worker, const Prepare& prepare) {
  try {
    const Body body = prepare(worker);
    ++board.ready;
    while (!board.go) ::sched_yield();
    Turn turn;
    turn.operations = body(board.stop);
    turn.taken = std::chrono::nanoseconds(now() - board.begin);
    board.turns[worker] = turn;
  } catch (const std::exception& e) {
    fail(board, e.what());
  } catch (...) {
    fail(board, "a worker threw something that is no exception");
  }
  ++board.finished;
}

void work_in_threads(Board& board, int first, int count, const Prepare& prepare) {
  std::vector<std::jthread> threads;
  for (int i = 1; i < count; ++i) threads.emplace_back([&, i] { work(board, first + i, prepare); });
  work(board, first, prepare);
}

/// The forked workers; kills those that are left.
class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  void start(Board& board, int first, int threads, const Prepare& prepare) {
    std::fflush(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork: " + std::string(std::strerror(errno)));
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      ::signal(SIGINT, SIG_IGN);
      work_in_threads(board, first, threads, prepare);
      ::_exit(0);  // exit() would end what belongs to the parent
    }
    pids_.push_back(pid);
  }

  /// Reaps those that have ended. A death by a signal is a failure.
  void reap(Board& board) {
    std::erase_if(pids_, [&](pid_t pid) {
      int status = 0;
      if (::waitpid(pid, &status, WNOHANG) != pid) return false;
      if (WIFSIGNALED(status))
        fail(board, ("a worker was killed by signal " + std::to_string(WTERMSIG(status))).c_str());
      return true;
    });
  }
  bool empty() const { return pids_.empty(); }

 private:
  std::vector<pid_t> pids_;
};

template <class Done>
void wait_until(Board& board, Children& children, const char* what, Done done) {
  const auto deadline = Clock::now() + patience;
  while (!done()) {
    children.reap(board);
    if (board.failed) throw std::runtime_error(board.failure);
    throw_if_interrupted();
    if (Clock::now() > deadline) throw std::runtime_error(std::string("the workers did not ") + what);
    std::this_thread::sleep_for(50us);
  }
}

}  // namespace

std::vector<Turn> work_together(const Crew& crew, Place place, std::optional<std::chrono::nanoseconds> window,
                                const Prepare& prepare) {
  const int workers = crew.workers();
  if (workers < 1 || workers > max_workers) throw std::runtime_error("1 to 64 workers");
  const SharedObject<Board> board;
  Children children;
  std::vector<std::jthread> threads;
  if (place == Place::processes) {
    for (int p = 0; p < crew.processes; ++p) children.start(*board, p * crew.threads, crew.threads, prepare);
  } else {
    for (int w = 0; w < workers; ++w) threads.emplace_back([&, w] { work(*board, w, prepare); });
  }
  // Threads end before the board does, also when something is thrown below.
  struct Release {
    Board& board;
    ~Release() { board.go = board.stop = true; }
  };
  const auto joined = [&] {
    const Release release{*board};
    wait_until(*board, children, "become ready", [&] { return board->ready == workers; });
    board->begin = now();
    board->go = true;
    if (window) {
      std::this_thread::sleep_until(Clock::time_point(std::chrono::nanoseconds(board->begin)) + *window);
      board->stop = true;
    }
    wait_until(*board, children, "end", [&] { return board->finished == workers; });
  };
  try {
    joined();
  } catch (...) {
    threads.clear();
    throw;
  }
  threads.clear();
  wait_until(*board, children, "end", [&] {
    children.reap(*board);
    return children.empty();
  });
  if (board->failed) throw std::runtime_error(board->failure);
  return {board->turns, board->turns + workers};
}

double nanoseconds_per_operation(const std::vector<Turn>& turns) {
  double per_nanosecond = 0;
  for (const Turn& turn : turns) {
    if (turn.taken.count() > 0)
      per_nanosecond += static_cast<double>(turn.operations) / static_cast<double>(turn.taken.count());
  }
  if (per_nanosecond <= 0) throw std::runtime_error("no operation was done in the window");
  return 1 / per_nanosecond;
}

}  // namespace bench
