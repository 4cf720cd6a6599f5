// Partage itself: one Manager for all containers, as a program would have.
#include <partage/partage.hpp>

#include "tests/bench/interrupt.hpp"
#include "tests/bench/peers/partage_containers.hpp"
#include "tests/bench/peers/peers.hpp"
#include "tests/bench/queue_case.hpp"

namespace bench {
namespace {

class ValueCase final : public LoopCase {
 public:
  explicit ValueCase(const partage::Manager& manager) : value_(manager.Value<std::int64_t>(0)) {}

 protected:
  std::unique_ptr<Loop> loop(int, int) override {
    return loop_of([value = value_] { value += 1; });
  }

 private:
  partage::Value<std::int64_t> value_;
};

class CreateCase final : public LoopCase {
 public:
  explicit CreateCase(ManagerPtr manager) : manager_(std::move(manager)) { batch_ = 8; }

 protected:
  std::unique_ptr<Loop> loop(int, int) override {
    return loop_of([manager = manager_] { manager->dict<std::string, std::int64_t>(); });
  }

 private:
  ManagerPtr manager_;
};

/// The bytes of the segment that the dict occupies, over its entries.
class MemoryCase final : public Case {
 public:
  MemoryCase(ManagerPtr manager, const Workload& workload)
      : manager_(std::move(manager)), dict_(manager_->dict<std::string, std::int64_t>(name_)), workload_(workload) {
    for (std::size_t i = 0; i < workload.entries; ++i)
      dict_.set(key_text(i, workload.key_size), static_cast<std::int64_t>(i));
  }
  ~MemoryCase() override { manager_->remove(name_.name); }

  double measure(const Crew&, std::chrono::nanoseconds) override {
    for (const partage::ObjectInfo& object : manager_->objects()) {
      if (object.name == name_.name) return static_cast<double>(object.bytes) / static_cast<double>(workload_.entries);
    }
    throw std::runtime_error("the dict is not among the manager's objects");
  }

 private:
  const partage::Named name_ = partage::named("dict-memory");
  ManagerPtr manager_;
  partage::DictProxy<std::string, std::int64_t> dict_;
  Workload workload_;
};

std::chrono::nanoseconds start_process() {
  const auto before = Clock::now();
  partage::Process process([] {});
  process.start();
  process.join();
  return Clock::now() - before;
}

std::chrono::nanoseconds start_manager() {
  const auto before = Clock::now();
  const partage::Manager manager;
  manager.dict<std::string, std::int64_t>().set("a", 1);
  return Clock::now() - before;
}

std::unique_ptr<Case> open_pool(Operation operation) {
  const int tasks = operation == Operation::pool_map_one ? 20'000 : 400'000;
  const std::optional<std::ptrdiff_t> chunk =
      operation == Operation::pool_map_one ? std::optional<std::ptrdiff_t>(1) : std::nullopt;
  std::vector<int> inputs(static_cast<std::size_t>(tasks));
  for (int i = 0; i < tasks; ++i) inputs[static_cast<std::size_t>(i)] = i;
  auto pool = std::make_shared<partage::Pool>(2);
  return std::make_unique<RepeatCase>(
      [pool, inputs = std::move(inputs), chunk] {
        const auto before = Clock::now();
        keep(pool->map([](int n) { return n + 1; }, inputs, chunk));
        return Clock::now() - before;
      },
      tasks);
}

class Partage final : public Peer {
 public:
  std::string_view name() const override { return "Partage"; }
  bool offers(const Workload&) const override { return true; }
  std::unique_ptr<Case> open(const Workload& workload) override {
    switch (workload.operation) {
      case Operation::process_start:
        return std::make_unique<RepeatCase>(start_process);
      case Operation::manager_start:
        return std::make_unique<RepeatCase>(start_manager);
      case Operation::pool_map_one:
      case Operation::pool_map:
        return open_pool(workload.operation);
      case Operation::object_create:
        return std::make_unique<CreateCase>(manager());
      case Operation::value_add:
        return std::make_unique<ValueCase>(*manager());
      case Operation::dict_memory:
        return std::make_unique<MemoryCase>(manager(), workload);
      case Operation::queue_one_way:
      case Operation::queue_ping_pong:
        return open_queue<PartageQueue>(workload, manager());
      default:
        if (is_list_operation(workload.operation)) return open_list<PartageList>(stores_, workload, manager());
        return open_dict<PartageDict>(stores_, workload, manager());
    }
  }

 private:
  const ManagerPtr& manager() {
    if (!manager_) manager_ = std::make_shared<partage::Manager>();
    return manager_;
  }

  ManagerPtr manager_;
  StoreCache stores_;
};

}  // namespace

void add_partage(Peers& peers) {
  peers.push_back(std::make_unique<Partage>());
}

}  // namespace bench
