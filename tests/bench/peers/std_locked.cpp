// The containers of one process: std::unordered_map and std::vector under a std::mutex. Their workers are threads.
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tests/bench/dict_case.hpp"
#include "tests/bench/list_case.hpp"
#include "tests/bench/peers/peers.hpp"

namespace bench {
namespace {

template <class V>
class StdDict {
 public:
  using Value = V;
  static constexpr Place place = Place::threads_here;
  static constexpr bool remote = false;
  static constexpr bool touches = false;

  explicit StdDict(const Workload&) {}
  void fill(const Workload& workload) {
    map_.reserve(workload.entries);
    for (std::size_t i = 0; i < workload.entries; ++i)
      map_.emplace(key_text(i, workload.key_size), value_of<V>(i, workload));
  }
  void clear() { map_ = {}; }

  class Session {
   public:
    explicit Session(StdDict& store) : store_(store) {}
    V get(std::string_view key) const {
      const std::scoped_lock lock(store_.mutex_);
      return store_.map_.find(key)->second;
    }
    void set(std::string_view key, const V& value) const {
      const std::scoped_lock lock(store_.mutex_);
      store_.map_.find(key)->second = value;
    }
    void insert(std::string_view key, const V& value) const {
      const std::scoped_lock lock(store_.mutex_);
      store_.map_.emplace(key, value);
    }
    void add(std::string_view key) const requires(std::is_same_v<V, std::int64_t>) {
      const std::scoped_lock lock(store_.mutex_);
      ++store_.map_.find(key)->second;
    }

   private:
    StdDict& store_;
  };

 private:
  std::mutex mutex_;
  struct Hash {  // finds views without making strings of them
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, V, Hash, std::equal_to<>> map_;
};

class StdVector {
 public:
  static constexpr Place place = Place::threads_here;
  static constexpr bool remote = false;
  static constexpr bool slow_front = true;

  explicit StdVector(const Workload&) {}
  void fill(const Workload& workload) {
    for (std::size_t i = 0; i < workload.entries; ++i) vector_.push_back(static_cast<std::int64_t>(i));
  }
  void clear() { vector_ = {}; }

  class Session {
   public:
    explicit Session(StdVector& store) : store_(store) {}
    std::int64_t get(std::ptrdiff_t i) const {
      const std::scoped_lock lock(store_.mutex_);
      return store_.vector_.at(static_cast<std::size_t>(i));
    }
    void set(std::ptrdiff_t i, std::int64_t x) const {
      const std::scoped_lock lock(store_.mutex_);
      store_.vector_.at(static_cast<std::size_t>(i)) = x;
    }
    void append(std::int64_t x) const {
      const std::scoped_lock lock(store_.mutex_);
      store_.vector_.push_back(x);
    }
    std::int64_t pop_front() const {
      const std::scoped_lock lock(store_.mutex_);
      const std::int64_t x = store_.vector_.front();
      store_.vector_.erase(store_.vector_.begin());
      return x;
    }
    std::vector<std::int64_t> snapshot() const {
      const std::scoped_lock lock(store_.mutex_);
      return store_.vector_;
    }

   private:
    StdVector& store_;
  };

 private:
  std::mutex mutex_;
  std::vector<std::int64_t> vector_;
};

class StdMapPeer final : public Peer {
 public:
  std::string_view name() const override { return "std::unordered_map"; }
  bool offers(const Workload& workload) const override { return is_dict_operation(workload.operation); }
  std::unique_ptr<Case> open(const Workload& workload) override { return open_dict<StdDict>(stores_, workload); }

 private:
  StoreCache stores_;
};

class StdVectorPeer final : public Peer {
 public:
  std::string_view name() const override { return "std::vector"; }
  bool offers(const Workload& workload) const override { return is_list_operation(workload.operation); }
  std::unique_ptr<Case> open(const Workload& workload) override { return open_list<StdVector>(stores_, workload); }

 private:
  StoreCache stores_;
};

}  // namespace

void add_std_locked(Peers& peers) {
  peers.push_back(std::make_unique<StdMapPeer>());
  peers.push_back(std::make_unique<StdVectorPeer>());
}

}  // namespace bench
