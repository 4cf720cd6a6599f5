// The shared memory under test, seen as bytes.
//
//   Image image{{.base = segment.base(), .reserved = segment.reserved(), .fd = segment.fd(),
//                .used = [](const std::byte* base) { return Segment::committed_of(base); }}};
//   Mirror copy(image);        // second memory of the same shape (one memfd per part)
//   copy.take(image);          // now copy.image() holds the same bytes
//   copy.give_back(image);     // and back again: what lies beyond `used` becomes a hole
//
// `used` is asked again for every copy, with the base of the memory in question, so an operation may grow the segment
// and a copy knows its own size. Bytes beyond it are neither compared nor copied; in a copy they read as zero.
// Not covered: memory outside the parts, the mapping attributes of the original, file names.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace partage::test {

/// One mapped piece of shared memory (MAP_SHARED on tmpfs, a memfd, or anonymous).
struct Part {
  std::byte* base = nullptr;
  std::size_t reserved = 0;                             ///< bytes mapped
  int fd = -1;                                          ///< for judges that attach by descriptor; -1 if there is none
  std::function<std::size_t(const std::byte*)> used{};  ///< bytes in use now, given a base; empty: all of them

  std::size_t used_bytes() const { return used ? used(base) : reserved; }
};

using Image = std::vector<Part>;

/// Makes `to` equal to `from`, byte for byte up to `used`, and a hole from there on. Same number of parts, same sizes.
void copy_image(const Image& from, const Image& to);

/// Owns memory of the shape of another image.
class Mirror {
 public:
  explicit Mirror(const Image& like);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  const Image& image() const { return image_; }
  void take(const Image& from) { copy_image(from, image_); }
  void give_back(const Image& to) const { copy_image(image_, to); }

 private:
  Image image_;
};

}  // namespace partage::test
