#include "manager/segment/header.hpp"

#include <gnu/libc-version.h>
#include <unistd.h>

#include <bit>
#include <boost/version.hpp>
#include <cstdlib>
#include <partage/error.hpp>
#include <string>

namespace partage::kernel {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw ConnectionError("partage: this segment cannot be attached: " + what +
                        ". Use the same build of Partage on both sides, or start a new manager");
}

u64 libc_version() noexcept {
  // "2.36" -> 2 << 16 | 36. The layout of pthread_mutex_t is an ABI within one libc only.
  char* rest = nullptr;
  const u64 major = std::strtoul(gnu_get_libc_version(), &rest, 10);
  const u64 minor = *rest == '.' ? std::strtoul(rest + 1, nullptr, 10) : 0;
  return major << 16 | minor;
}

std::string libc_text(u64 v) {
  return std::to_string(v >> 16) + "." + std::to_string(v & 0xFFFF);
}

}  // namespace

AbiWords this_program_abi() noexcept {
  const u64 little = std::endian::native == std::endian::little ? 1 : 0;
  const u64 page = static_cast<u64>(sysconf(_SC_PAGESIZE));
  return {{sizeof(void*) | little << 8 | page << 16, sizeof(RobustMutex) | alignof(RobustMutex) << 16, libc_version(),
           BOOST_VERSION}};
}

u64 seal_of(const SegmentHeader& h) noexcept {
  const u64 words[] = {h.magic, h.format, h.compat,  h.incompat, h.abi[0],   h.abi[1], h.abi[2], h.abi[3],
                       h.max,   h.id,     h.records, h.clients,  h.registry, h.heap,   h.lives,  h.waits};
  u64 seal = 0xcbf29ce484222325ull;
  const auto add = [&](u64 word) {
    seal = (seal ^ word) * 0x9E3779B97F4A7C15ull;
    seal ^= seal >> 29;
  };
  for (const u64 word : words) add(word);
  for (const char c : h.name) add(static_cast<unsigned char>(c));
  return seal | 1;
}

void check_header(const SegmentHeader& h, std::size_t object_size) {
  if (object_size < sizeof(SegmentHeader)) {
    refuse("it has " + std::to_string(object_size) +
           " bytes, less than a header (4096); it was truncated or is no segment");
  }
  if (h.magic != segment_magic) refuse("its first bytes are not \"PARTAGE1\"; it is no segment of Partage");
  if (h.format != segment_format) {
    refuse("it has format version " + std::to_string(h.format) + ", this program reads " +
           std::to_string(segment_format));
  }
  if ((h.incompat & ~known_incompat) != 0) {
    refuse("it uses features this program does not know (incompat word " + std::to_string(h.incompat) + ")");
  }
  const AbiWords mine = this_program_abi();
  if (h.abi[0] != mine.word[0]) refuse("pointer size, byte order or page size differ");
  if (h.abi[1] != mine.word[1]) refuse("the size of a mutex differs (another C library)");
  if (h.abi[2] != mine.word[2]) {
    refuse("it was made with glibc " + libc_text(h.abi[2]) + ", this program runs glibc " + libc_text(mine.word[2]));
  }
  if (h.abi[3] != mine.word[3]) {
    refuse("it was made with Boost " + std::to_string(h.abi[3]) + ", this program with Boost " +
           std::to_string(mine.word[3]));
  }
  if (h.max != object_size) {
    refuse("it reserves " + std::to_string(h.max) + " bytes but the object behind it has " +
           std::to_string(object_size) + "; it was truncated");
  }
  const u64 committed = h.committed.load();
  if (committed > h.max || h.heap != heap_offset || h.records >= committed || h.clients >= committed ||
      h.registry >= committed) {
    refuse("its header contradicts itself; it was damaged");
  }
  if (h.seal != 0 && h.seal != seal_of(h)) refuse("its header was changed after it was made; it was damaged");
}

}  // namespace partage::kernel
