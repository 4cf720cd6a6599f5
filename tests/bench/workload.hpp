// What is measured: an operation on a container of some size, by so many processes at once. Plain values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

enum class Operation {
  process_start,
  manager_start,
  object_create,
  pool_map_one,
  pool_map,
  dict_get,
  dict_set,
  dict_mixed,
  dict_insert,
  dict_add,
  value_add,
  list_get,
  list_set,
  list_append,
  list_fifo,
  list_snapshot,
  queue_one_way,
  queue_ping_pong,
  dict_memory,
};

/// What a number is of; smaller is better.
enum class Unit { nanoseconds, bytes };

struct OperationInfo {
  Operation operation;
  std::string_view name;     ///< on the command line and in tables
  std::string_view meaning;  ///< what one operation is
  Unit unit = Unit::nanoseconds;
};

/// In the order in which they are measured: what forks first, while this process is small.
inline constexpr std::array operations{
    OperationInfo{Operation::process_start, "process start", "start and join of a forked process that does nothing"},
    OperationInfo{Operation::manager_start, "manager start", "Manager() until the first key of its first dict is set"},
    OperationInfo{Operation::object_create, "object create", "an empty hosted dict, made and dropped"},
    OperationInfo{Operation::pool_map_one, "pool map chunk 1", "a trivial task, each handed out alone, two workers"},
    OperationInfo{Operation::pool_map, "pool map", "a trivial task, default chunks, two workers"},
    OperationInfo{Operation::dict_get, "dict get", "value of a random key"},
    OperationInfo{Operation::dict_set, "dict set", "new value for a random existing key"},
    OperationInfo{Operation::dict_mixed, "dict 90/10", "nine gets, then a set, of random existing keys"},
    OperationInfo{Operation::dict_insert, "dict insert", "a key that is new, into a dict that was empty"},
    OperationInfo{Operation::dict_add, "dict +=", "`d[k] += 1`, the same key for all processes"},
    OperationInfo{Operation::value_add, "value +=", "`v += 1`, one value for all processes"},
    OperationInfo{Operation::list_get, "list get", "element at a random index"},
    OperationInfo{Operation::list_set, "list set", "new element at a random index"},
    OperationInfo{Operation::list_append, "list append", "an element at the end"},
    OperationInfo{Operation::list_fifo, "list append + pop(0)", "both, on a list that stays as long as it is"},
    OperationInfo{Operation::list_snapshot, "list snapshot", "copy of the whole list, for each element"},
    OperationInfo{Operation::queue_one_way, "queue one-way", "a message from one process to another"},
    OperationInfo{Operation::queue_ping_pong, "queue ping-pong", "a message there and its answer back"},
    OperationInfo{Operation::dict_memory, "dict memory", "memory of a dict, for each entry", Unit::bytes},
};

inline const OperationInfo& info(Operation operation) {
  return operations.at(static_cast<std::size_t>(operation));
}

/// nullptr: no operation has that name.
inline const OperationInfo* operation_named(std::string_view name) {
  for (const OperationInfo& each : operations)
    if (each.name == name) return &each;
  return nullptr;
}

struct Workload {
  Operation operation{};
  std::size_t entries = 100'000;
  std::size_t key_size = 16;
  std::size_t value_size = 8;  ///< 8: std::int64_t; else strings of that length

  auto operator<=>(const Workload&) const = default;
  bool numbers() const { return value_size == 8; }
};

/// Who works at the same time on the same container.
struct Crew {
  int processes = 1;
  int threads = 1;  ///< of each process

  auto operator<=>(const Crew&) const = default;
  int workers() const { return processes * threads; }
};

}  // namespace bench
