#include "image.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace partage::test {
namespace {

constexpr std::size_t page_size = 4096;

std::size_t round_up(std::size_t bytes) {
  return (bytes + page_size - 1) / page_size * page_size;
}

std::system_error failure(const char* what) {
  return {errno, std::generic_category(), what};
}

}  // namespace

void copy_image(const Image& from, const Image& to) {
  if (from.size() != to.size()) throw std::logic_error("copy_image: the images have different shapes");
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t used = from[i].used_bytes();
    if (used > to[i].reserved) throw std::logic_error("copy_image: more bytes used than reserved");
    std::memcpy(to[i].base, from[i].base, used);
    const std::size_t tail = round_up(used);
    if (tail > used && tail <= to[i].reserved) std::memset(to[i].base + used, 0, tail - used);
    if (tail < to[i].reserved && ::madvise(to[i].base + tail, to[i].reserved - tail, MADV_REMOVE) != 0)
      throw failure("copy_image: madvise(MADV_REMOVE)");
  }
}

Mirror::Mirror(const Image& like) {
  image_.reserve(like.size());
  for (const Part& part : like) {
    const int fd = ::memfd_create("partage-test-mirror", MFD_CLOEXEC);
    if (fd < 0) throw failure("Mirror: memfd_create");
    void* base = MAP_FAILED;
    if (::ftruncate(fd, static_cast<off_t>(part.reserved)) == 0)
      base = ::mmap(nullptr, part.reserved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (base == MAP_FAILED) {
      const std::system_error error = failure("Mirror: mapping a copy");
      ::close(fd);
      throw error;
    }
    image_.push_back({static_cast<std::byte*>(base), part.reserved, fd, part.used});
  }
}

Mirror::~Mirror() {
  for (const Part& part : image_) {
    ::munmap(part.base, part.reserved);
    ::close(part.fd);
  }
}

}  // namespace partage::test
