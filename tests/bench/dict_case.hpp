// The operations on a dict, written once for all peers. A store has:
//
//   using Value = std::int64_t or std::string
//   static constexpr Place place              where its workers are
//   static constexpr bool remote              a server answers: operations are looked at one by one
//   static constexpr bool touches             a worker has page faults until it has read everything once
//   void fill(workload)  void clear()         in the parent
//   Session(store)                            in the worker: get set insert add
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "tests/bench/keys.hpp"
#include "tests/bench/loop_case.hpp"
#include "tests/bench/store.hpp"

namespace bench {

inline bool is_dict_operation(Operation operation) {
  return operation >= Operation::dict_get && operation <= Operation::dict_add;
}

template <class Store>
class DictCase final : public LoopCase {
  using Value = typename Store::Value;
  using Session = typename Store::Session;

 public:
  DictCase(std::shared_ptr<Store> store, const Workload& workload)
      : store_(std::move(store)), workload_(workload), keys_(random_keys(workload.entries, workload.key_size)) {
    place_ = Store::place;
    if (Store::remote || workload.value_size > 4096) batch_ = 1;
  }

 protected:
  void reset() override {
    if (workload_.operation == Operation::dict_insert) store_->clear();
  }

  std::unique_ptr<Loop> loop(int worker, int workers) override {
    auto session = std::make_shared<Session>(*store_);
    touch(*session);
    Cursor cursor(keys_, start_of(worker, workers, keys_->size()));
    switch (workload_.operation) {
      case Operation::dict_get:
        return loop_of([session, cursor]() mutable { keep(session->get(cursor.next())); });
      case Operation::dict_set:
        return loop_of([session, cursor, value = value_of<Value>(1, workload_)]() mutable {
          change(value);
          session->set(cursor.next(), value);
        });
      case Operation::dict_mixed:
        return loop_of([session, cursor, value = value_of<Value>(1, workload_), n = 0]() mutable {
          if (++n == 10) {
            n = 0;
            change(value);
            session->set(cursor.next(), value);
          } else {
            keep(session->get(cursor.next()));
          }
        });
      case Operation::dict_insert:
        return loop_of([session, fresh = NewKeys(worker, workload_.key_size),
                        value = value_of<Value>(1, workload_)]() mutable { session->insert(fresh.next(), value); });
      default:
        if constexpr (requires { session->add(std::string()); }) {
          return loop_of([session, key = key_text(0, workload_.key_size)] { session->add(key); });
        } else {
          throw std::logic_error("no += on texts");
        }
    }
  }

 private:
  /// The next value differs from the one before.
  static void change(std::int64_t& value) { ++value; }
  static void change(std::string& value) { ++value[0]; }

  /// Page faults are not what is measured. Small neighbours share pages: of many, some are enough.
  void touch(Session& session) const {
    if (!Store::touches || workload_.operation == Operation::dict_insert) return;
    const std::size_t stride = workload_.entries > 20'000 ? std::max<std::size_t>(16, workload_.entries / 250'000) : 1;
    for (std::size_t i = 0; i < workload_.entries; i += stride) keep(session.get(key_text(i, workload_.key_size)));
  }

  std::shared_ptr<Store> store_;
  Workload workload_;
  Keys keys_;
};

/// A case on Store<std::int64_t> or Store<std::string>, made of the arguments.
template <template <class> class Store, class... Args>
std::unique_ptr<Case> open_dict(StoreCache& cache, const Workload& workload, const Args&... args) {
  const auto open = [&]<class V>(V) -> std::unique_ptr<Case> {
    const auto empty = [&] { return std::make_shared<Store<V>>(workload, args...); };
    if (workload.operation == Operation::dict_insert) return std::make_unique<DictCase<Store<V>>>(empty(), workload);
    const auto filled = [&] {
      auto store = empty();
      store->fill(workload);
      return store;
    };
    return std::make_unique<DictCase<Store<V>>>(cache.get<Store<V>>(workload, filled), workload);
  };
  return workload.numbers() ? open(std::int64_t{}) : open(std::string{});
}

}  // namespace bench
