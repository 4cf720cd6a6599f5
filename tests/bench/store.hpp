// What the stores of the peers share: a value of a type made from a number, and stores that several workloads use at
// once.
//
// A store is one container, filled, that workers can reach. Its Session is what one worker does with it:
//
//   dict    get(key) set(key, value) insert(key, value) add(key)      see dict_case.hpp
//   list    get(i) set(i, x) append(x) pop_front() snapshot()         see list_case.hpp
//   channel put(message) get(message)                                 see queue_case.hpp
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <typeindex>

#include "tests/bench/workload.hpp"

namespace bench {

/// The `number`th value of a dict; texts of the length that the workload wants.
template <class V>
V value_of(std::size_t number, const Workload& workload) {
  if constexpr (std::is_same_v<V, std::int64_t>) {
    return static_cast<std::int64_t>(number);
  } else {
    return V(workload.value_size, static_cast<char>('a' + number % 26));
  }
}

/// Get, set and their mixture work on one container: it is filled once, and goes with the last case that uses it.
class StoreCache {
 public:
  template <class Store>
  std::shared_ptr<Store> get(const Workload& workload, const std::function<std::shared_ptr<Store>()>& make) {
    auto& known = stores_[{typeid(Store), workload.entries, workload.key_size, workload.value_size}];
    if (auto store = known.lock()) return std::static_pointer_cast<Store>(store);
    auto store = make();
    known = store;
    return store;
  }

 private:
  std::map<std::tuple<std::type_index, std::size_t, std::size_t, std::size_t>, std::weak_ptr<void>> stores_;
};

}  // namespace bench
