// Raw Boost.Interprocess: a container in a segment under one interprocess_mutex, and message_queue.
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>

#include "tests/bench/dict_case.hpp"
#include "tests/bench/list_case.hpp"
#include "tests/bench/peers/boost_segment.hpp"
#include "tests/bench/peers/peers.hpp"
#include "tests/bench/queue_case.hpp"

namespace bench {
namespace {

using Lock = bip::scoped_lock<bip::interprocess_mutex>;

/// What a value is in the segment, and back.
template <class V>
struct Stored {
  using Type = V;
  static Type made(const V& value, BoostBuffer::segment_manager*) { return value; }
  static V read(const Type& stored) { return stored; }
  static void assign(Type& stored, const V& value) { stored = value; }
};
template <>
struct Stored<std::string> {
  using Type = BoostString;
  static Type made(std::string_view value, BoostBuffer::segment_manager* manager) {
    return {value.data(), value.size(), BoostAllocator<char>(manager)};
  }
  static std::string read(const Type& stored) { return {stored.data(), stored.size()}; }
  static void assign(Type& stored, const std::string& value) { stored.assign(value.data(), value.size()); }
};

template <class V>
class BoostDict {
  using Map = BoostMap<typename Stored<V>::Type>;
  struct Shared {
    explicit Shared(BoostBuffer::segment_manager* manager) : map(typename Map::allocator_type(manager)) {}
    bip::interprocess_mutex mutex;
    Map map;
  };

 public:
  using Value = V;
  static constexpr Place place = Place::processes;
  static constexpr bool remote = false;
  static constexpr bool touches = false;

  explicit BoostDict(const Workload& workload) : segment_(bytes(workload)) { clear(); }
  void fill(const Workload& workload) {
    const Session session(*this);
    shared_->map.reserve(workload.entries);
    for (std::size_t i = 0; i < workload.entries; ++i)
      session.insert(key_text(i, workload.key_size), value_of<V>(i, workload));
  }
  void clear() {
    segment_.clear();
    shared_ = segment_.buffer().construct<Shared>(bip::anonymous_instance)(segment_.buffer().get_segment_manager());
  }

  class Session {
   public:
    explicit Session(BoostDict& store) : store_(store) { store.segment_.touch(); }
    V get(std::string_view key) const {
      const Lock lock(store_.shared_->mutex);
      return Stored<V>::read(found(key)->second);
    }
    void set(std::string_view key, const V& value) const {
      const Lock lock(store_.shared_->mutex);
      Stored<V>::assign(found(key)->second, value);
    }
    void insert(std::string_view key, const V& value) const {
      auto* manager = store_.segment_.buffer().get_segment_manager();
      const Lock lock(store_.shared_->mutex);
      store_.shared_->map.emplace(Stored<std::string>::made(key, manager), Stored<V>::made(value, manager));
    }
    void add(std::string_view key) const requires(std::is_same_v<V, std::int64_t>) {
      const Lock lock(store_.shared_->mutex);
      ++found(key)->second;
    }

   private:
    auto found(std::string_view key) const {
      const auto place = store_.shared_->map.find(key);
      if (place == store_.shared_->map.end()) throw std::runtime_error("no key " + std::string(key));
      return place;
    }

    BoostDict& store_;
  };

 private:
  static std::size_t bytes(const Workload& workload) {
    const std::size_t entry = 200 + workload.key_size + 2 * workload.value_size;
    // While entries are inserted nobody knows how many there will be.
    const std::size_t entries = workload.operation == Operation::dict_insert ? 1'000'000 : workload.entries;
    return (std::size_t{16} << 20) + entries * entry;
  }

  BoostSegment segment_;
  Shared* shared_ = nullptr;
};

template <class Container>
class BoostSequence {
  struct Shared {
    explicit Shared(BoostBuffer::segment_manager* manager) : container(typename Container::allocator_type(manager)) {}
    bip::interprocess_mutex mutex;
    Container container;
  };

 public:
  static constexpr Place place = Place::processes;
  static constexpr bool remote = false;
  static constexpr bool slow_front = std::is_same_v<Container, BoostVector>;

  explicit BoostSequence(const Workload& workload)
      : segment_(std::size_t{workload.operation == Operation::list_append ? 512u : 16u} << 20) {
    clear();
  }
  void fill(const Workload& workload) {
    for (std::size_t i = 0; i < workload.entries; ++i) shared_->container.push_back(static_cast<std::int64_t>(i));
  }
  void clear() {
    segment_.clear();
    shared_ = segment_.buffer().construct<Shared>(bip::anonymous_instance)(segment_.buffer().get_segment_manager());
  }

  class Session {
   public:
    explicit Session(BoostSequence& store) : shared_(*store.shared_) { store.segment_.touch(); }
    std::int64_t get(std::ptrdiff_t i) const {
      const Lock lock(shared_.mutex);
      return shared_.container.at(static_cast<std::size_t>(i));
    }
    void set(std::ptrdiff_t i, std::int64_t x) const {
      const Lock lock(shared_.mutex);
      shared_.container.at(static_cast<std::size_t>(i)) = x;
    }
    void append(std::int64_t x) const {
      const Lock lock(shared_.mutex);
      shared_.container.push_back(x);
    }
    std::int64_t pop_front() const {
      const Lock lock(shared_.mutex);
      const std::int64_t x = shared_.container.front();
      shared_.container.erase(shared_.container.begin());
      return x;
    }
    std::vector<std::int64_t> snapshot() const {
      const Lock lock(shared_.mutex);
      return {shared_.container.begin(), shared_.container.end()};
    }

   private:
    Shared& shared_;
  };

 private:
  BoostSegment segment_;
  Shared* shared_ = nullptr;
};

/// Its name is removed at once; the workers inherit the mapping.
template <class T>
class BoostQueue {
 public:
  using Message = T;
  static constexpr std::uint64_t messages = 200'000;

  explicit BoostQueue(const Workload& workload)
      : name_("partage-bench-" + std::to_string(::getpid())),
        queue_(bip::create_only, name_.c_str(), 1024, std::max<std::size_t>(workload.value_size, 8)) {
    bip::message_queue::remove(name_.c_str());
    buffer_.resize(queue_.get_max_msg_size());
  }
  void put(const T& message) {
    if constexpr (std::is_same_v<T, std::string>) {
      queue_.send(message.data(), message.size(), 0);
    } else {
      queue_.send(&message, sizeof message, 0);
    }
  }
  T get() {
    std::size_t size = 0;
    unsigned priority = 0;
    if constexpr (std::is_same_v<T, std::string>) {
      queue_.receive(buffer_.data(), buffer_.size(), size, priority);
      return buffer_.substr(0, size);
    } else {
      T message{};
      queue_.receive(&message, sizeof message, size, priority);
      return message;
    }
  }

 private:
  std::string name_;
  bip::message_queue queue_;
  std::string buffer_;
};

class BoostMapPeer final : public Peer {
 public:
  std::string_view name() const override { return "Boost unordered_map"; }
  bool offers(const Workload& workload) const override { return is_dict_operation(workload.operation); }
  std::unique_ptr<Case> open(const Workload& workload) override { return open_dict<BoostDict>(stores_, workload); }

 private:
  StoreCache stores_;
};

template <class Container>
class BoostSequencePeer final : public Peer {
 public:
  explicit BoostSequencePeer(std::string_view name) : name_(name) {}
  std::string_view name() const override { return name_; }
  bool offers(const Workload& workload) const override {
    if (std::is_same_v<Container, BoostDeque>) return workload.operation == Operation::list_fifo;
    return is_list_operation(workload.operation);
  }
  std::unique_ptr<Case> open(const Workload& workload) override {
    return open_list<BoostSequence<Container>>(stores_, workload);
  }

 private:
  std::string_view name_;
  StoreCache stores_;
};

class BoostQueuePeer final : public Peer {
 public:
  std::string_view name() const override { return "Boost message_queue"; }
  bool offers(const Workload& workload) const override {
    return workload.operation == Operation::queue_one_way || workload.operation == Operation::queue_ping_pong;
  }
  std::unique_ptr<Case> open(const Workload& workload) override { return open_queue<BoostQueue>(workload); }
};

}  // namespace

void add_boost(Peers& peers) {
  peers.push_back(std::make_unique<BoostMapPeer>());
  peers.push_back(std::make_unique<BoostSequencePeer<BoostVector>>("Boost vector"));
  peers.push_back(std::make_unique<BoostSequencePeer<BoostDeque>>("Boost deque"));
  peers.push_back(std::make_unique<BoostQueuePeer>());
}

}  // namespace bench
