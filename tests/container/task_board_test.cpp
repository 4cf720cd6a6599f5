// The board of a pool: who claims what, what becomes of it when a worker dies, and when a job's memory may go.
#include "manager/container/task_board.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "manager/platform/futex.hpp"
#include "tests/container/fixture.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/seed.hpp"

namespace partage::test {
namespace {

using namespace std::chrono_literals;
using kernel::Job;
using kernel::TaskBoard;
using kernel::TaskState;
using kernel::u32;
using kernel::u64;

/// What the tests' tasks compute of an input.
u64 answer(u64 input) {
  return input * 3 + 1;
}

/// A job of u64 inputs and results.
Job make_job(const TaskBoard& board, u64 id, u64 tasks, u64 chunk, bool tell_each = false) {
  std::vector<u64> inputs(tasks);
  for (u64 i = 0; i < tasks; ++i) inputs[i] = id * 1000 + i;
  Job::Plan plan;
  plan.id = id;
  plan.tasks = tasks;
  plan.chunk = chunk;
  plan.result_bytes = sizeof(u64);
  plan.tell_each = tell_each;
  plan.call = view("the call");
  plan.input_bytes = sizeof(u64);
  plan.inputs = {inputs.data(), inputs.size() * sizeof(u64)};
  return board.new_job(plan);
}

u64 number_at(const void* place) {
  u64 number = 0;
  std::memcpy(&number, place, sizeof number);
  return number;
}

bool is_done(const Job& job) {
  for (u64 c = 0; c < job.chunks(); ++c) {
    if (!job.is_done(c)) return false;
  }
  return true;
}

bool has_ended(TaskState state) {
  return state == TaskState::has_result || state == TaskState::died;
}

/// As a worker of the pool goes on; `dies()` is asked wherever a kill makes a difference. False: it has died.
template <class Dies>
bool work(const TaskBoard& board, u32 w, Dies dies) {
  std::optional<TaskBoard::Claim> claim;
  do {
    while (board.claim(w, claim)) {
      if (dies()) return false;
      const Job& job = claim->job;
      for (u64 task = claim->first; task < claim->last; ++task) {
        if (job.state(task) != TaskState::waiting) continue;
        job.begin(task);
        if (dies()) return false;
        // Counts the runs in its upper half.
        const u64 result = number_at(job.result(task)) + (u64{1} << 32) + answer(number_at(job.input(task).data));
        std::memcpy(job.result(task), &result, sizeof result);
        if (dies()) return false;
        job.finish(task, TaskState::has_result);
        if (dies()) return false;
      }
      board.done(*claim);
      if (dies()) return false;
    }
  } while (board.sleep(w));
  return true;
}

/// Every task has run once, and has its result; or it has died as often as its worker was seen to.
void check_job(const Job& job, const std::map<std::pair<u64, u64>, int>& deaths) {
  for (u64 task = 0; task < job.tasks(); ++task) {
    CAPTURE(job.id());
    CAPTURE(task);
    const auto died = deaths.find({job.id(), task});
    if (job.state(task) == TaskState::has_result) {
      REQUIRE(died == deaths.end());
      REQUIRE(number_at(job.result(task)) == (u64{1} << 32) + answer(job.id() * 1000 + task));
    } else {
      REQUIRE(job.state(task) == TaskState::died);
      REQUIRE(died != deaths.end());
      REQUIRE(died->second == 1);
      REQUIRE((number_at(job.result(task)) >> 32) <= 1);
    }
  }
}

void note(const std::vector<TaskBoard::Death>& seen, std::map<std::pair<u64, u64>, int>& deaths) {
  for (const TaskBoard::Death& death : seen) {
    if (death.task) ++deaths[{death.job.id(), *death.task}];
  }
}

}  // namespace

TEST_CASE("task board: jobs are claimed chunk by chunk, the oldest first") {
  ContainerFixture fixture;
  const TaskBoard board = TaskBoard::make(fixture.segment(), 2);
  const Job young = make_job(board, 2, 3, 2), old = make_job(board, 1, 5, 4);
  CHECK(young.call().size == 8);
  CHECK(number_at(young.input(2).data) == 2002);
  REQUIRE(board.post(young));
  REQUIRE(board.post(old));
  std::vector<std::array<u64, 3>> claimed;
  std::optional<TaskBoard::Claim> claim;
  while (board.claim(0, claim)) {
    claimed.push_back({claim->job.id(), claim->first, claim->last});
    for (u64 task = claim->first; task < claim->last; ++task) claim->job.finish(task, TaskState::has_result);
    board.done(*claim);
  }
  CHECK(claimed == std::vector<std::array<u64, 3>>{{1, 0, 4}, {1, 4, 5}, {2, 0, 2}, {2, 2, 3}});
  CHECK(board.claims(0) == 4);
  CHECK(is_done(young));
  CHECK(is_done(old));
  CHECK_FALSE(board.has_work());
}

TEST_CASE("task board: claimed() has what the living claimed, also after a death has freed a chunk before it") {
  ContainerFixture fixture;
  const TaskBoard board = TaskBoard::make(fixture.segment(), 3);
  const Job job = make_job(board, 1, 6, 2);
  REQUIRE(board.post(job));
  std::optional<TaskBoard::Claim> claims[3];
  for (u32 w = 0; w < 3; ++w) REQUIRE(board.claim(w, claims[w]));
  CHECK(job.claimed() == 6);
  board.reclaim(0);
  CHECK(board.has_work());
  CHECK(job.claimed() == 6);  // else a result of the others is told when somebody has claimed what was freed
}

TEST_CASE("task board: a job that a worker looks into is not left, and its slot is given to no other") {
  ContainerFixture fixture;
  const auto free_before = fixture.segment().manager()->get_free_memory();
  const TaskBoard board = TaskBoard::make(fixture.segment(), 1);
  const Job job = make_job(board, 1, 2, 1);
  REQUIRE(board.post(job));
  std::optional<TaskBoard::Claim> claim;
  REQUIRE(board.claim(0, claim));
  const u64 slot = claim->slot;
  board.retire(job);
  CHECK_FALSE(board.is_left(job));
  const Job next = make_job(board, 2, 1, 1);
  REQUIRE(board.post(next));
  board.done(*claim);
  REQUIRE(board.claim(0, claim));
  CHECK(claim->job.id() == 2);
  CHECK(claim->slot != slot);
  CHECK(board.is_left(job));
  board.free_job(job);
  SUBCASE("the worker leaves") {
    board.leave(0);
  }
  SUBCASE("the worker has died") {
    board.reclaim(0);
  }
  board.retire(next);
  CHECK(board.is_left(next));
  board.free_job(next);
  board.destroy();
  CHECK(fixture.segment().manager()->get_free_memory() == free_before);
}

TEST_CASE("task board: workers that die at random points, against a model") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed());
  for (long round = 0; round < repeats(300); ++round) {
    CAPTURE(round);
    ContainerFixture fixture(std::size_t{16} << 20);
    const u32 workers = static_cast<u32>(1 + random() % 5);
    const TaskBoard board = TaskBoard::make(fixture.segment(), workers);
    struct OneWorker {
      std::optional<TaskBoard::Claim> claim;
      bool claimed = false, running = false;
      u64 task = 0;
    };
    std::vector<OneWorker> all(workers);
    std::vector<Job> jobs;
    std::map<std::pair<u64, u64>, int> deaths, results;
    // As the model has it: per job and chunk, whether it is free.
    std::map<u64, std::vector<bool>> free;
    std::map<u64, u64> highest;
    const auto some_free = [&] {
      return std::ranges::any_of(
          free, [](const auto& job) { return std::ranges::find(job.second, true) != job.second.end(); });
    };
    const auto post = [&] {
      const u64 id = jobs.size() + 1, chunk = 1 + random() % 4;
      jobs.push_back(make_job(board, id, 1 + random() % 12, chunk));
      REQUIRE(board.post(jobs.back()));
      free[id].assign(jobs.back().chunks(), true);
    };
    const auto step = [&](u32 w) {
      OneWorker& worker = all[w];
      if (!worker.claimed) {
        const bool expected = some_free();
        if (expected) REQUIRE(board.has_work());  // no free chunk lies below the hint
        worker.claimed = board.claim(w, worker.claim);
        REQUIRE(worker.claimed == expected);
        if (!expected) return;
        const u64 id = worker.claim->job.id();
        REQUIRE(free[id].at(worker.claim->chunk));
        free[id][worker.claim->chunk] = false;
        highest[id] = std::max(highest[id], worker.claim->last);
        REQUIRE(worker.claim->job.claimed() >= highest[id]);
        worker.task = worker.claim->first;
        return;
      }
      const Job& job = worker.claim->job;
      if (worker.running) {
        job.finish(worker.task, TaskState::has_result);
        ++results[{job.id(), worker.task++}];
        worker.running = false;
        return;
      }
      while (worker.task < worker.claim->last && job.state(worker.task) != TaskState::waiting) ++worker.task;
      if (worker.task < worker.claim->last) {
        job.begin(worker.task);
        worker.running = true;
      } else {
        board.done(*worker.claim);
        worker.claimed = false;
      }
    };
    const auto die = [&](u32 w) {
      OneWorker& worker = all[w];
      const auto seen = board.reclaim(w);
      note(seen, deaths);
      REQUIRE(seen.size() == std::size_t{worker.claimed});
      if (worker.claimed) {
        const Job& job = worker.claim->job;
        REQUIRE(seen[0].task.has_value() == worker.running);
        if (worker.running) REQUIRE(*seen[0].task == worker.task);
        bool waiting = false;
        for (u64 t = worker.claim->first; t < worker.claim->last; ++t) waiting |= job.state(t) == TaskState::waiting;
        free[job.id()][worker.claim->chunk] = waiting;
        REQUIRE(job.is_done(worker.claim->chunk) != waiting);
      }
      REQUIRE(board.claims(w) == 0);
      worker = {};
    };
    post();
    for (int i = 0; i < 150; ++i) {
      const u32 w = static_cast<u32>(random() % workers);
      switch (random() % 16) {
        case 0:
          if (jobs.size() < 10) post();
          break;
        case 1:
          die(w);
          break;
        default:
          step(w);
      }
    }
    // To the end, by one that lives.
    for (u32 w = 1; w < workers; ++w) die(w);
    while (all[0].claimed || some_free()) step(0);
    step(0);
    for (const Job& job : jobs) {
      REQUIRE(is_done(job));
      for (u64 task = 0; task < job.tasks(); ++task) {
        REQUIRE(has_ended(job.state(task)));
        const std::pair key(job.id(), task);
        REQUIRE(deaths[key] == int{job.state(task) == TaskState::died});
        REQUIRE(results[key] == int{job.state(task) == TaskState::has_result});
      }
      board.retire(job);
      REQUIRE(board.is_left(job));
      board.free_job(job);
    }
  }
}

namespace {

/// The owner of a board as the pool is: posts jobs, is told of ends, retires, frees; and looks after the dead.
class Owner {
 public:
  Owner(const TaskBoard& board, u64 jobs, std::mt19937_64& random) : board_(board), left_(jobs), random_(random) {}

  /// Posts what there is room for. True: everything is done.
  bool go_on() {
    while (left_ != 0 && posted_.size() < 70) {
      const u64 id = ++next_;
      if (!waiting_) waiting_ = make_job(board_, id, 1 + random_() % 40, 1 + random_() % 5, random_() % 2 == 0);
      if (!board_.post(*waiting_)) {
        --next_;
        break;
      }
      posted_.push_back(*std::exchange(waiting_, std::nullopt));
      --left_;
    }
    std::erase_if(posted_, [&](const Job& job) {
      if (!is_done(job)) return false;
      check_job(job, deaths);
      board_.retire(job);
      retired_.push_back(job);
      return true;
    });
    free_left();
    return left_ == 0 && posted_.empty();
  }
  void free_left() {
    std::erase_if(retired_, [&](const Job& job) {
      if (!board_.is_left(job)) return false;
      board_.free_job(job);
      return true;
    });
  }
  bool all_free() const { return retired_.empty(); }

  std::map<std::pair<u64, u64>, int> deaths;

 private:
  const TaskBoard& board_;
  u64 left_, next_ = 0;
  std::mt19937_64& random_;
  std::optional<Job> waiting_;
  std::vector<Job> posted_, retired_;
};

}  // namespace

// A thread that returns and is joined is to the board what a killed process is.
TEST_CASE("task board: threads as workers, which end at random points: nothing is lost, and all memory comes back") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 1);
  ContainerFixture fixture;
  const auto free_before = fixture.segment().manager()->get_free_memory();
  constexpr u32 workers = 4;
  const TaskBoard board = TaskBoard::make(fixture.segment(), workers);
  struct OneWorker {
    std::thread thread;
    std::atomic<bool> ended = false;
  };
  OneWorker all[workers];
  const auto end_all = [&](void*) {
    board.close();
    for (OneWorker& worker : all) {
      if (worker.thread.joinable()) worker.thread.join();
    }
  };
  std::unique_ptr<void, decltype(end_all)> at_the_end(&fixture, end_all);  // also when something fails
  const auto start = [&](u32 w) {
    all[w].ended = false;
    all[w].thread = std::thread([&board, &worker = all[w], w, seed = random()] {
      std::mt19937_64 own(seed);
      worker.ended = !work(board, w, [&] { return own() % 500 == 0; });
      if (worker.ended) board.announce();  // the kernel tells of a process
    });
  };
  for (u32 w = 0; w < workers; ++w) start(w);
  Owner owner(board, static_cast<u64>(repeats(1000)), random);
  bool in_time = true;
  {
    const TaskBoard::Watch watch(board);
    auto patience = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      const kernel::FutexWord seen = watch.seen();
      for (u32 w = 0; w < workers; ++w) {
        if (!all[w].ended) continue;
        all[w].thread.join();
        note(board.reclaim(w), owner.deaths);
        start(w);
      }
      if (owner.go_on()) break;
      const auto before = std::chrono::steady_clock::now();
      if (before > patience) {
        in_time = false;
        break;
      }
      kernel::sleep_on({&seen, 1}, before + 5s);  // whatever ends wakes it
      if (std::chrono::steady_clock::now() < before + 4s) patience = std::chrono::steady_clock::now() + 20s;
    }
  }
  CHECK(in_time);
  at_the_end.reset();
  owner.free_left();
  CHECK(owner.all_free());
  CHECK(owner.deaths.size() > 0);
  if (!in_time) return;
  board.destroy();
  CHECK(fixture.segment().manager()->get_free_memory() == free_before);
}

TEST_CASE("task board: processes as workers, killed at random moments: no chunk is lost") {
  PARTAGE_SHOW_SEED();
  std::mt19937_64 random(test_seed() + 2);
  ContainerFixture fixture;
  constexpr u32 workers = 3;
  const TaskBoard board = TaskBoard::make(fixture.segment(), workers);
  ChildGroup group;
  std::vector<pid_t> pids(workers);
  const auto start = [&](u32 w) { pids[w] = group.start([&board, w] { work(board, w, [] { return false; }); }); };
  for (u32 w = 0; w < workers; ++w) start(w);
  std::map<std::pair<u64, u64>, int> deaths;
  int kills = 0;
  u64 died = 0;
  for (long round = 0; round < repeats(30); ++round) {
    CAPTURE(round);
    const Job job = make_job(board, static_cast<u64>(round) + 1, 20'000, 1 + random() % 40);
    REQUIRE(board.post(job));
    for (int i = 0; i < 4 && !is_done(job); ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
      const u32 w = static_cast<u32>(random() % workers);
      group.kill(pids[w]);
      ++kills;
      const auto seen = board.reclaim(w);
      REQUIRE(seen.size() <= 1);
      note(seen, deaths);
      start(w);
    }
    REQUIRE(eventually([&] { return is_done(job); }, 20s));
    board.retire(job);
    check_job(job, deaths);
    REQUIRE(eventually([&] { return board.is_left(job); }, 20s));
    board.free_job(job);
  }
  for (const auto& [task, times] : deaths) died += static_cast<u64>(times);
  CHECK(died <= static_cast<u64>(kills));
  board.close();
  for (const pid_t pid : pids) {
    const ChildResult result = group.wait(pid, 20s);
    CHECK_MESSAGE(result.ok(), result.describe());
  }
}

TEST_CASE("task board: a worker that sleeps is woken by a job, by a freed chunk, and by the end") {
  ContainerFixture fixture;
  const TaskBoard board = TaskBoard::make(fixture.segment(), 2);
  std::thread worker([&] { work(board, 0, [] { return false; }); });
  const Job first = make_job(board, 1, 3, 1);
  REQUIRE(board.post(first));
  CHECK(eventually([&] { return is_done(first); }, 20s));
  // The other one claims and dies.
  std::optional<TaskBoard::Claim> claim;
  for (u64 id = 2;; ++id) {  // until it is faster than the worker
    const Job job = make_job(board, id, 1, 1);
    REQUIRE(board.post(job));
    if (board.claim(1, claim)) {
      const auto deaths = board.reclaim(1);
      REQUIRE(deaths.size() == 1);
      CHECK_FALSE(deaths[0].task.has_value());
      CHECK(eventually([&] { return is_done(job); }, 20s));
      break;
    }
    CHECK(eventually([&] { return is_done(job); }, 20s));
    board.retire(job);
    if (id > 10'000) break;
  }
  board.close();
  worker.join();
  CHECK_FALSE(board.sleep(0));
}

}  // namespace partage::test
