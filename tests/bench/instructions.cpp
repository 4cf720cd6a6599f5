#include "tests/bench/instructions.hpp"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <partage/partage.hpp>
#include <stdexcept>
#include <vector>

#include "tests/bench/keys.hpp"
#include "tests/bench/loop_case.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/text_table.hpp"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name)
#endif

namespace bench {
namespace {

/// Counts the instructions of what it runs.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual std::string name() const = 0;
  virtual std::uint64_t count(const std::function<void()>& work) = 0;
};

class PerfCounter final : public Counter {
 public:
  explicit PerfCounter(int descriptor) : descriptor_(descriptor) {}
  PerfCounter(const PerfCounter&) = delete;
  PerfCounter& operator=(const PerfCounter&) = delete;
  ~PerfCounter() override { ::close(descriptor_); }

  /// nullptr: the processor does not count for us, as in most virtual machines.
  static std::unique_ptr<Counter> open() {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.disabled = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    const long descriptor = ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return descriptor < 0 ? nullptr : std::make_unique<PerfCounter>(static_cast<int>(descriptor));
  }

  std::string name() const override { return "perf"; }
  std::uint64_t count(const std::function<void()>& work) override {
    ::ioctl(descriptor_, PERF_EVENT_IOC_RESET, 0);
    ::ioctl(descriptor_, PERF_EVENT_IOC_ENABLE, 0);
    work();
    ::ioctl(descriptor_, PERF_EVENT_IOC_DISABLE, 0);
    std::uint64_t counted = 0;
    if (::read(descriptor_, &counted, sizeof counted) != sizeof counted) throw std::runtime_error("perf gave no count");
    return counted;
  }

 private:
  int descriptor_;
};

/// Callgrind writes what it counted to a file, a new one each time; the total stands at its end. The file's name begins
/// as --callgrind-out-file said, which is "callgrind.out.PID" in the working directory unless something else was said.
class CallgrindCounter final : public Counter {
 public:
  std::string name() const override { return "callgrind"; }
  std::uint64_t count(const std::function<void()>& work) override {
    CALLGRIND_ZERO_STATS;
    work();
    CALLGRIND_DUMP_STATS_AT("operation");
    const std::filesystem::path file = "callgrind.out." + std::to_string(::getpid()) + '.' + std::to_string(++dumps_);
    std::ifstream in(file);
    std::optional<std::uint64_t> total;
    for (std::string line; std::getline(in, line);) {
      for (const char* word : {"totals: ", "summary: "})
        if (line.starts_with(word)) total = std::stoull(line.substr(std::string_view(word).size()));
    }
    if (!total) throw std::runtime_error("callgrind left no total in " + file.string());
    std::filesystem::remove(file);
    return *total;
  }

 private:
  int dumps_ = 0;
};

std::unique_ptr<Counter> make_counter() {
  if (RUNNING_ON_VALGRIND) return std::make_unique<CallgrindCounter>();
  if (auto counter = PerfCounter::open()) return counter;
  throw std::runtime_error(
      "the processor counts no instructions for this program here; run it as\n"
      "  valgrind --tool=callgrind partage-bench instructions");
}

struct Measured {
  const char* name;
  std::unique_ptr<Loop> loop;
};

}  // namespace

std::string instructions_table() {
  const std::unique_ptr<Counter> counter = make_counter();
  constexpr std::size_t entries = 10'000;
  constexpr std::size_t times = 2'000;

  // Small, as valgrind has not the address space for what is usual.
  const partage::Manager manager(partage::ManagerOptions{.max_size = std::size_t{256} << 20});
  const auto dict = manager.dict<std::string, std::int64_t>();
  for (std::size_t i = 0; i < entries; ++i) dict.set(key_text(i, 16), static_cast<std::int64_t>(i));
  const auto list = manager.list<std::int64_t>();
  const auto value = manager.Value<std::int64_t>(0);
  const auto queue = manager.Queue<std::int64_t>();
  Cursor cursor(random_keys(entries, 16), 0);
  const std::string hot = key_text(0, 16);

  std::vector<Measured> all;
  const auto add = [&](const char* name, auto step) { all.push_back({name, loop_of(std::move(step))}); };
  add("dict get", [&, cursor]() mutable { keep(dict.at(cursor.next())); });
  add("dict set, existing key", [&, cursor, x = std::int64_t{0}]() mutable { dict.set(cursor.next(), ++x); });
  add("dict[k] += 1", [&] { dict[hot] += 1; });
  add("value += 1", [&] { value += 1; });
  add("list get", [&, i = std::ptrdiff_t{0}]() mutable { keep(list.at(++i)); });
  add("list append", [&, x = std::int64_t{0}]() mutable { list.append(++x); });
  add("queue put", [&, x = std::int64_t{0}]() mutable { queue.put(++x); });
  add("queue get", [&] { keep(queue.get()); });
  for (std::size_t i = 0; i <= 2 * times; ++i) list.append(0);
  for (std::size_t i = 0; i < times; ++i) queue.put(0);  // what the first gets take

  TextTable table({"operation", ">instructions"});
  for (const Measured& each : all) {
    each.loop->run(times);  // caches, and pages, and what is done once
    const std::uint64_t counted = counter->count([&] { each.loop->run(times); });
    table.add({each.name, number(static_cast<double>(counted) / times)});
  }
  return table.text() + "\nIn user space, one process, mean of " + number(times) + " operations; counted by " +
         counter->name() + ".\n";
}

}  // namespace bench
