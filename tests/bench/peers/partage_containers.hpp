// Partage's dict, list, value and queue as stores: the calls a user would write, nothing special.
#pragma once

#include <cstdint>
#include <memory>
#include <partage/partage.hpp>
#include <string>
#include <vector>

#include "tests/bench/dict_case.hpp"
#include "tests/bench/list_case.hpp"

namespace bench {

using ManagerPtr = std::shared_ptr<partage::Manager>;

template <class V>
class PartageDict {
 public:
  using Value = V;
  static constexpr Place place = Place::processes;
  static constexpr bool remote = false;
  static constexpr bool touches = true;

  PartageDict(const Workload&, ManagerPtr manager) : manager_(std::move(manager)) { clear(); }
  void fill(const Workload& workload) {
    for (std::size_t i = 0; i < workload.entries; ++i)
      dict_.set(key_text(i, workload.key_size), value_of<V>(i, workload));
  }
  void clear() { dict_ = manager_->dict<std::string, V>(); }

  class Session {
   public:
    explicit Session(const PartageDict& store) : dict_(store.dict_) {}
    V get(std::string_view key) const { return dict_.at(key); }
    void set(std::string_view key, const V& value) const { dict_.set(key, value); }
    void insert(std::string_view key, const V& value) const { dict_.set(key, value); }
    void add(std::string_view key) const requires(std::is_same_v<V, std::int64_t>) { dict_[key] += 1; }

   private:
    partage::DictProxy<std::string, V> dict_;
  };

 private:
  ManagerPtr manager_;
  partage::DictProxy<std::string, V> dict_;
};

class PartageList {
 public:
  static constexpr Place place = Place::processes;
  static constexpr bool remote = false;
  static constexpr bool slow_front = false;

  PartageList(const Workload&, ManagerPtr manager) : manager_(std::move(manager)) { clear(); }
  void fill(const Workload& workload) {
    for (std::size_t i = 0; i < workload.entries; ++i) list_.append(static_cast<std::int64_t>(i));
  }
  void clear() { list_ = manager_->list<std::int64_t>(); }

  class Session {
   public:
    explicit Session(const PartageList& store) : list_(store.list_) {}
    std::int64_t get(std::ptrdiff_t i) const { return list_.at(i); }
    void set(std::ptrdiff_t i, std::int64_t x) const { list_[i] = x; }
    void append(std::int64_t x) const { list_.append(x); }
    std::int64_t pop_front() const { return list_.pop(0); }
    std::vector<std::int64_t> snapshot() const { return list_.copy(); }

   private:
    partage::ListProxy<std::int64_t> list_;
  };

 private:
  ManagerPtr manager_;
  partage::ListProxy<std::int64_t> list_;
};

template <class T>
class PartageQueue {
 public:
  using Message = T;
  static constexpr std::uint64_t messages = 400'000;

  PartageQueue(const Workload&, const ManagerPtr& manager) : queue_(manager->Queue<T>()) {}
  void put(const T& message) const { queue_.put(message); }
  T get() const { return queue_.get(); }

 private:
  partage::Queue<T> queue_;
};

}  // namespace bench
