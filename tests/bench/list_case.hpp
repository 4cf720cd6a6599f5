// The operations on a list of std::int64_t, written once for all peers. A store has what one of dict_case.hpp has, and
// its session: get set append pop_front snapshot, of which it may leave out what the peer does not offer.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tests/bench/keys.hpp"
#include "tests/bench/loop_case.hpp"
#include "tests/bench/store.hpp"

namespace bench {

inline bool is_list_operation(Operation operation) {
  return operation >= Operation::list_get && operation <= Operation::list_snapshot;
}

template <class Store>
class ListCase final : public LoopCase {
  using Session = typename Store::Session;
  using Indexes = std::vector<std::ptrdiff_t>;

 public:
  ListCase(std::shared_ptr<Store> store, const Workload& workload)
      : store_(std::move(store)),
        workload_(workload),
        indexes_(std::make_shared<Indexes>(random_indexes(workload.entries))) {
    place_ = Store::place;
    if (Store::remote || workload.operation == Operation::list_snapshot || Store::slow_front) batch_ = 1;
    if (workload.operation == Operation::list_snapshot) units_ = static_cast<double>(workload.entries);
  }

 protected:
  void reset() override {
    if (workload_.operation == Operation::list_append) store_->clear();
  }

  std::unique_ptr<Loop> loop(int worker, int workers) override {
    auto session = std::make_shared<Session>(*store_);
    Cursor<Indexes> cursor(indexes_, start_of(worker, workers, indexes_->size()));
    if constexpr (requires { session->snapshot(); }) {
      if (workload_.operation != Operation::list_append && !Store::remote) keep(session->snapshot());  // touches it
    }
    switch (workload_.operation) {
      case Operation::list_get:
        return loop_of([session, cursor]() mutable { keep(session->get(cursor.next())); });
      case Operation::list_set:
        return loop_of([session, cursor, x = std::int64_t{0}]() mutable { session->set(cursor.next(), ++x); });
      case Operation::list_append:
        return loop_of([session, x = std::int64_t{0}]() mutable { session->append(++x); });
      case Operation::list_fifo:
        return loop_of([session, x = std::int64_t{0}]() mutable {
          session->append(++x);
          keep(session->pop_front());
        });
      default:
        if constexpr (requires { session->snapshot(); }) {
          return loop_of([session] { keep(session->snapshot()); });
        } else {
          throw std::logic_error("no snapshots");
        }
    }
  }

 private:
  std::shared_ptr<Store> store_;
  Workload workload_;
  std::shared_ptr<const Indexes> indexes_;
};

template <class Store, class... Args>
std::unique_ptr<Case> open_list(StoreCache& cache, const Workload& workload, const Args&... args) {
  const auto empty = [&] { return std::make_shared<Store>(workload, args...); };
  if (workload.operation == Operation::list_append) return std::make_unique<ListCase<Store>>(empty(), workload);
  const auto filled = [&] {
    auto store = empty();
    store->fill(workload);
    return store;
  };
  return std::make_unique<ListCase<Store>>(cache.get<Store>(workload, filled), workload);
}

}  // namespace bench
