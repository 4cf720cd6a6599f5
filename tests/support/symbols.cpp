#include "symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace partage::test {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? text.get() : name;
}

template <class T>
T read_at(const std::vector<char>& file, std::size_t offset) {
  T value{};
  if (offset + sizeof value <= file.size()) std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

void read_object(const std::string& path, std::uintptr_t bias, std::vector<Symbol>& result) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (file.size() < sizeof(ElfW(Ehdr)) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return;
  const auto header = read_at<ElfW(Ehdr)>(file, 0);
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto section = read_at<ElfW(Shdr)>(file, header.e_shoff + i * sizeof(ElfW(Shdr)));
    if (section.sh_type != SHT_SYMTAB) continue;
    const auto names = read_at<ElfW(Shdr)>(file, header.e_shoff + section.sh_link * sizeof(ElfW(Shdr)));
    for (std::size_t at = 0; at + sizeof(ElfW(Sym)) <= section.sh_size; at += sizeof(ElfW(Sym))) {
      const auto symbol = read_at<ElfW(Sym)>(file, section.sh_offset + at);
      const std::size_t name = names.sh_offset + symbol.st_name;
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0 || name >= file.size()) continue;
      const std::uintptr_t begin = bias + symbol.st_value;
      result.push_back({begin, begin + symbol.st_size, demangled(file.data() + name)});
    }
  }
}

int visit(dl_phdr_info* info, std::size_t, void* out) {
  std::string path = info->dlpi_name != nullptr ? info->dlpi_name : "";
  if (path.empty()) path = "/proc/self/exe";  // the first object; the vdso has a name without a slash
  if (path[0] == '/' && path.rfind("/lib", 0) != 0 && path.rfind("/usr/", 0) != 0)
    read_object(path, info->dlpi_addr, *static_cast<std::vector<Symbol>*>(out));
  return 0;
}

}  // namespace

const std::vector<Symbol>& program_functions() {
  static const std::vector<Symbol> symbols = [] {
    std::vector<Symbol> result;
    ::dl_iterate_phdr(visit, &result);
    std::sort(result.begin(), result.end(), [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; });
    return result;
  }();
  return symbols;
}

}  // namespace partage::test
