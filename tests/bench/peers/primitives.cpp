// What the machine itself allows: an atomic add, a robust mutex, a pipe, a fork.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tests/bench/loop_case.hpp"
#include "tests/bench/peers/peers.hpp"
#include "tests/bench/queue_case.hpp"

namespace bench {
namespace {

class FetchAddCase final : public LoopCase {
 protected:
  std::unique_ptr<Loop> loop(int, int) override {
    return loop_of([&counter = *counter_] { counter.fetch_add(1); });
  }

 private:
  SharedObject<std::atomic<std::int64_t>> counter_;
};

/// A counter under the mutex that a lock of the pthreads standard takes to survive its owner.
struct RobustCounter {
  RobustCounter() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&mutex, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }
  pthread_mutex_t mutex{};
  std::int64_t value = 0;
};

class RobustMutexCase final : public LoopCase {
 protected:
  std::unique_ptr<Loop> loop(int, int) override {
    return loop_of([&counter = *counter_] {
      if (::pthread_mutex_lock(&counter.mutex) == EOWNERDEAD) ::pthread_mutex_consistent(&counter.mutex);
      ++counter.value;
      ::pthread_mutex_unlock(&counter.mutex);
    });
  }

 private:
  SharedObject<RobustCounter> counter_;
};

/// Messages of a fixed size, each a write and a read; a pipe gives long ones in parts.
template <class T>
class PipeChannel {
 public:
  using Message = T;
  static constexpr std::uint64_t messages = 200'000;

  explicit PipeChannel(const Workload& workload) : buffer_(workload.value_size, 0) {
    if (::pipe(ends_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  PipeChannel(const PipeChannel&) = delete;
  PipeChannel& operator=(const PipeChannel&) = delete;
  ~PipeChannel() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  void put(const T& message) {
    if constexpr (std::is_same_v<T, std::string>) {
      write_all(message.data(), message.size());
    } else {
      write_all(&message, sizeof message);
    }
  }
  T get() {
    if constexpr (std::is_same_v<T, std::string>) {
      read_all(buffer_.data(), buffer_.size());
      return buffer_;
    } else {
      T message{};
      read_all(&message, sizeof message);
      return message;
    }
  }

 private:
  void write_all(const void* data, std::size_t size) {
    for (const char* at = static_cast<const char*>(data); size != 0;) {
      const ssize_t done = ::write(ends_[1], at, size);
      if (done < 0) throw std::system_error(errno, std::generic_category(), "write to a pipe");
      at += done;
      size -= static_cast<std::size_t>(done);
    }
  }
  void read_all(void* data, std::size_t size) {
    for (char* at = static_cast<char*>(data); size != 0;) {
      const ssize_t done = ::read(ends_[0], at, size);
      if (done <= 0) throw std::system_error(errno, std::generic_category(), "read from a pipe");
      at += done;
      size -= static_cast<std::size_t>(done);
    }
  }

  int ends_[2] = {-1, -1};
  std::string buffer_;
};

std::chrono::nanoseconds fork_once() {
  const auto before = Clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid < 0 || ::waitpid(pid, nullptr, 0) != pid) throw std::system_error(errno, std::generic_category(), "fork");
  return Clock::now() - before;
}

/// A peer that does one thing.
class Primitive final : public Peer {
 public:
  using Open = std::unique_ptr<Case> (*)(const Workload&);
  Primitive(std::string_view name, Operation first, Operation last, Open opener)
      : name_(name), first_(first), last_(last), open_(opener) {}
  std::string_view name() const override { return name_; }
  bool offers(const Workload& workload) const override {
    return first_ <= workload.operation && workload.operation <= last_;
  }
  std::unique_ptr<Case> open(const Workload& workload) override { return open_(workload); }

 private:
  std::string_view name_;
  Operation first_, last_;
  Open open_;
};

}  // namespace

void add_primitives(Peers& peers) {
  const auto add = [&](std::string_view name, Operation first, Operation last, Primitive::Open open) {
    peers.push_back(std::make_unique<Primitive>(name, first, last, open));
  };
  add("fetch_add", Operation::value_add, Operation::value_add,
      [](const Workload&) -> std::unique_ptr<Case> { return std::make_unique<FetchAddCase>(); });
  add("robust mutex", Operation::value_add, Operation::value_add,
      [](const Workload&) -> std::unique_ptr<Case> { return std::make_unique<RobustMutexCase>(); });
  add("pipe(2)", Operation::queue_one_way, Operation::queue_ping_pong,
      [](const Workload& workload) { return open_queue<PipeChannel>(workload); });
  add("fork(2)", Operation::process_start, Operation::process_start,
      [](const Workload&) -> std::unique_ptr<Case> { return std::make_unique<RepeatCase>(fork_once); });
}

}  // namespace bench
