// Where a function is, in a form that means the same in another process that runs the same program: the loaded file,
// and the distance from its beginning. Address space randomisation moves files as wholes.
//
// Thread safety: full. Cost: a walk over the loaded files, microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include <partage/export.hpp>

namespace partage::engine {

struct CodeAddress {
  std::string file;  // "": the program
  std::uint64_t distance = 0;
  std::uint64_t size = 0;  // of the file in memory: another build has another one, most likely

  bool operator==(const CodeAddress&) const = default;
};

using Code = void (*)();

/// Throws ProcessError for an address in no loaded file (code made at run time).
PARTAGE_API CodeAddress code_address(Code code);
/// Throws ProcessError when the file is not loaded here, or another one.
PARTAGE_API Code code_at(const CodeAddress& address);

template <class Function>
requires std::is_function_v<std::remove_pointer_t<Function>> CodeAddress code_address_of(Function function) {
  return code_address(reinterpret_cast<Code>(function));
}

}  // namespace partage::engine
