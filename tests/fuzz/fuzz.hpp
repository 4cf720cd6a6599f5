// What every fuzzer has to say: this must hold; that may be refused; so much memory may be taken.
//
//   const MemoryLimit limit(size);                 // for M bytes of input: 1 MiB + 512 * M at a time, else it ends the program
//   if (const auto value = unless_refused([&] { return decode(bytes); })) require(again == *value, "it reads back");
//
// Anything but an Error of the library leaves the fuzzer and is a crash, and so is a failed require(). That nothing goes on
// for ever is libFuzzer's -timeout.
// Thread safety: one thread.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <partage/error.hpp>
#include <string_view>
#include <type_traits>

namespace partage::fuzz {

inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << '\n';
  std::abort();
}

/// The result, or nothing when the input was refused, which is done by an Error with a sentence.
template <class Fn, class Result = std::invoke_result_t<Fn>>
std::optional<Result> unless_refused(Fn fn) {
  try {
    return fn();
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("partage: "), "a refusal is a sentence of the library");
    return std::nullopt;
  }
}

/// Bytes that are allocated at the same time while it lives.
class MemoryLimit {
 public:
  static constexpr std::ptrdiff_t at_least = 1 << 20, for_each_byte = 512;

  explicit MemoryLimit(std::size_t input) {
    static const bool watches = __sanitizer_install_malloc_and_free_hooks(&allocated, &freed) != 0;
    require(watches, "the sanitizer lets allocations be watched");
    most = at_least + for_each_byte * static_cast<std::ptrdiff_t>(input);
    taken = 0;
    on = true;
  }
  ~MemoryLimit() { on = false; }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  static void allocated(const volatile void*, std::size_t bytes) {
    if (!on) return;
    taken += static_cast<std::ptrdiff_t>(bytes);
    if (taken <= most) return;
    on = false;
    std::cerr << taken << " bytes are allocated where " << most << " are the most\n";
    std::abort();
  }
  static void freed(const volatile void* p) {
    if (on && p != nullptr) {
      taken -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(p)));
    }
  }

  static inline bool on = false;
  static inline std::ptrdiff_t taken = 0, most = 0;
};

}  // namespace partage::fuzz
