#include "code_set.hpp"

#include "symbols.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace partage::test {

CodeSet& CodeSet::add_range(Range range) {
  const auto at = std::lower_bound(ranges_.begin(), ranges_.end(), range);
  if (at == ranges_.end() || at->begin != range.begin)
    ranges_.insert(at, range);
  else
    at->end = std::max(at->end, range.end);
  return *this;
}

CodeSet& CodeSet::add_functions_named(const std::string& part) {
  bool found = false;
  for (const Symbol& symbol : program_functions()) {
    if (symbol.name.find(part) == std::string::npos) continue;
    add_range({symbol.begin, symbol.end});
    found = true;
  }
  if (!found)
    throw std::invalid_argument("CodeSet: the program has no function whose name contains '" + part +
                                "'. Is it inlined everywhere, or the file stripped? Use code_region_begin/end.");
  return *this;
}

const CodeSet::Range* CodeSet::find(std::uintptr_t address) const {
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), Range{address, address});
  if (after == ranges_.begin()) return nullptr;
  --after;
  return address < after->end ? &*after : nullptr;
}

CodeSet mutex_code() {
  // Asked from the C library itself: under a sanitizer the global name is an interceptor, in a fixed-address program a
  // stub.
  void* libc = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (libc == nullptr) throw std::runtime_error("mutex_code: libc.so.6 is not loaded (a static program?)");
  CodeSet code;
  for (const char* name : {"pthread_mutex_lock", "pthread_mutex_trylock", "pthread_mutex_timedlock",
                           "pthread_mutex_clocklock", "pthread_mutex_unlock", "pthread_mutex_consistent"}) {
    void* function = ::dlsym(libc, name);
    if (function == nullptr) throw std::runtime_error(std::string("mutex_code: the C library has no ") + name);
    Dl_info info{};
    void* extra = nullptr;
    const bool sized = ::dladdr1(function, &info, &extra, RTLD_DL_SYMENT) != 0 && extra != nullptr;
    const auto begin = reinterpret_cast<std::uintptr_t>(function);
    code.add_range({begin, begin + (sized ? static_cast<const ElfW(Sym)*>(extra)->st_size : 1)});
  }
  ::dlclose(libc);
  return code;
}

[[gnu::noinline, gnu::noclone]] void code_region_begin() {
  asm volatile("" ::: "memory");
}
[[gnu::noinline, gnu::noclone]] void code_region_end() {
  asm volatile("nop" ::: "memory");
}  // never folded into begin

bool CodeTracker::inside(std::uintptr_t instruction, std::uintptr_t stack) {
  if (instruction == reinterpret_cast<std::uintptr_t>(&code_region_begin)) ++regions_;
  if (instruction == reinterpret_cast<std::uintptr_t>(&code_region_end) && regions_ > 0) --regions_;
  if (call_stack_ != 0 && stack > call_stack_) call_stack_ = 0;  // it returned
  const CodeSet::Range* range = code_.find(instruction);
  if (call_stack_ == 0 && range != nullptr && range->begin == instruction) call_stack_ = stack;
  return call_stack_ != 0 || range != nullptr || regions_ > 0;
}

std::string symbol_at(std::uintptr_t address) {
  const std::vector<Symbol>& symbols = program_functions();
  const auto after = std::upper_bound(symbols.begin(), symbols.end(), address,
                                      [](std::uintptr_t a, const Symbol& symbol) { return a < symbol.begin; });
  std::string name;
  std::uintptr_t begin = 0;
  Dl_info info{};
  if (after != symbols.begin() && address < std::prev(after)->end) {
    name = std::prev(after)->name;
    begin = std::prev(after)->begin;
  } else if (::dladdr(reinterpret_cast<void*>(address), &info) != 0 && info.dli_fname != nullptr) {
    const bool named = info.dli_sname != nullptr;
    name = named ? info.dli_sname : info.dli_fname;
    begin = reinterpret_cast<std::uintptr_t>(named ? info.dli_saddr : info.dli_fbase);
  } else {
    return "unknown code";
  }
  constexpr std::size_t longest = 90;  // the end of a long name says more than its beginning
  if (name.size() > longest) name = "..." + name.substr(name.size() - longest);
  char offset[32];
  std::snprintf(offset, sizeof offset, "+0x%zx", static_cast<std::size_t>(address - begin));
  return name + offset;
}

}  // namespace partage::test
