#include <partage/engine/code_address.hpp>

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <optional>
#include <partage/error.hpp>

namespace partage::engine {

namespace {

struct LoadedFile {
  std::string name;
  std::uint64_t base, size;
};

/// The first loaded file that `wanted` accepts.
template <class Wanted>
std::optional<LoadedFile> find_file(Wanted wanted) {
  struct Search {
    Wanted& wanted;
    std::optional<LoadedFile> found;
  } search{wanted, {}};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* argument) {
        auto& s = *static_cast<Search*>(argument);
        LoadedFile file{info->dlpi_name, info->dlpi_addr, 0};
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type == PT_LOAD) file.size = std::max(file.size, std::uint64_t{header.p_vaddr} + header.p_memsz);
        }
        if (!s.wanted(file)) return 0;
        s.found = std::move(file);
        return 1;
      },
      &search);
  return search.found;
}

}  // namespace

CodeAddress code_address(Code code) {
  const auto at = reinterpret_cast<std::uint64_t>(code);
  const auto file = find_file([&](const LoadedFile& f) { return at >= f.base && at - f.base < f.size; });
  if (!file) {
    throw ProcessError(
        "partage: a function is in no file of this program, so that no other process can have it; pass one that was "
        "compiled");
  }
  return {file->name, at - file->base, file->size};
}

Code code_at(const CodeAddress& address) {
  const auto file = find_file([&](const LoadedFile& f) { return f.name == address.file; });
  if (!file || file->size != address.size || address.distance >= file->size) {
    throw ProcessError("partage: a function of " +
                       (address.file.empty() ? std::string("the program") : '\'' + address.file + '\'') +
                       " is not where it was in the process that sent it: " +
                       (file ? "the file is another one by now" : "the file is not loaded") +
                       "; link it to the program, and do not replace it while the program runs");
  }
  return reinterpret_cast<Code>(file->base + address.distance);  // NOLINT(performance-no-int-to-ptr): code of a file
}

}  // namespace partage::engine
