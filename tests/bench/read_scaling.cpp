// How the reads of one dict grow with the processes that read it: gets of 16-byte keys among 100 000, in random order.
//
//   partage-bench-read-scaling [ROUNDS [MILLISECONDS]]
//
// Each round runs one reader, then as many as there are cores, each a process of its own that starts at a barrier and
// counts its gets; so a disturbance from outside meets both. Prints the rounds, medians and their ratio. Nothing is
// judged here: on a busy machine the figures say little, and the last line says how busy it was.
#include <sys/mman.h>
#include <sys/times.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <partage/partage.hpp>
#include <random>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int entries = 100'000;

struct Start {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false}, stop{false};
  std::atomic<long> gets{0};
};

std::vector<std::string> keys() {
  std::vector<std::string> all;
  for (int i = 0; i < entries; ++i) {
    char text[17];
    std::snprintf(text, sizeof text, "key-%012d", i);
    all.emplace_back(text);
  }
  return all;
}

void read(const partage::DictProxy<std::string, std::int64_t>& dict, const std::vector<std::string>& all,
          Start& start) {
  std::mt19937 random(static_cast<unsigned>(::getpid()));
  std::vector<int> order(1 << 16);
  for (int& i : order) i = static_cast<int>(random() % entries);
  for (const std::string& key : all) (void)dict.at(key);  // page faults are not what we measure
  ++start.ready;
  while (!start.go) std::this_thread::yield();
  long n = 0, sum = 0;
  while (!start.stop) {
    for (int k = 0; k < 64; ++k, ++n)
      sum += dict.at(all[static_cast<std::size_t>(order[static_cast<std::size_t>(n) % order.size()])]);
  }
  if (sum == -1) std::puts("");  // the sum is used
  start.gets += n;
}

/// Gets a second, all readers together.
double measure(const partage::DictProxy<std::string, std::int64_t>& dict, const std::vector<std::string>& all,
               int readers, std::chrono::milliseconds time) {
  void* page = ::mmap(nullptr, sizeof(Start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Start& start = *new (page) Start;
  std::vector<partage::Process> processes;
  for (int i = 0; i < readers; ++i) processes.emplace_back([&] { read(dict, all, start); });
  for (auto& process : processes) process.start();
  while (start.ready < readers) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto begin = Clock::now();
  start.go = true;
  std::this_thread::sleep_for(time);
  start.stop = true;
  const std::chrono::duration<double> taken = Clock::now() - begin;
  for (auto& process : processes) process.join();
  const double rate = static_cast<double>(start.gets) / taken.count();
  ::munmap(page, sizeof(Start));
  return rate;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const std::chrono::milliseconds time(argc > 2 ? std::atoi(argv[2]) : 500);
  const int many = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  partage::Manager manager;
  const auto dict = manager.dict<std::string, std::int64_t>();
  const std::vector<std::string> all = keys();
  for (int i = 0; i < entries; ++i) dict.set(all[static_cast<std::size_t>(i)], i);

  tms before{}, after{};
  const auto begin = Clock::now();
  ::times(&before);
  std::vector<double> one, more, ratio;
  for (int r = 0; r < rounds; ++r) {
    one.push_back(measure(dict, all, 1, time));
    more.push_back(measure(dict, all, many, time));
    ratio.push_back(more.back() / one.back());
    std::printf("round %d: 1 process %.2f M/s, %d processes %.2f M/s, x %.2f\n", r + 1, one.back() / 1e6, many,
                more.back() / 1e6, ratio.back());
  }
  ::times(&after);
  const double cpu =
      static_cast<double>(after.tms_cutime - before.tms_cutime) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double wanted = std::chrono::duration<double>(time).count() * rounds * (1 + many);
  const auto [least, most] = std::ranges::minmax(ratio);
  std::printf("median: 1 process %.2f M/s, %d processes %.2f M/s, ratio %.2f (%.2f to %.2f)\n", median(one) / 1e6, many,
              median(more) / 1e6, median(ratio), least, most);
  std::printf("the readers had %.0f %% of the CPU time they could use, in %.1f s\n", 100 * cpu / wanted,
              std::chrono::duration<double>(Clock::now() - begin).count());
}
