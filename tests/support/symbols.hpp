// The functions of this program by name, from the .symtab of the executable and of its own shared libraries.
//
//   for (const Symbol& s : program_functions())
//     if (s.name.find("Journal::commit") != std::string::npos) use(s.begin, s.end);
//
// Names are demangled. Read once, at the first call; addresses are those of this process and its forked children.
// Not covered: libraries under /lib and /usr (use dladdr), stripped files, libraries loaded after the first call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace partage::test {

struct Symbol {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::string name;
};

/// Sorted by address.
const std::vector<Symbol>& program_functions();

}  // namespace partage::test
