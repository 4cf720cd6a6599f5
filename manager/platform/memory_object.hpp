// The object behind a segment: a sparse file in shared memory, unnamed from birth, named only on request.
//
// It is created with O_TMPFILE in /dev/shm, so a private segment never has a name and leaves nothing when everybody is
// SIGKILLed, yet counts against the size of /dev/shm like any other, so that "full" is an error and not the OOM killer.
// A named segment is the same object, filled first and then given its name by link(2): nobody finds half of one, and of
// two creators one gets EEXIST. Everybody may write to /dev/shm, so what is found under a name is trusted only if it is a
// regular file of this user that no other may write; no symbolic link is followed, and nothing that is refused is opened or
// changed. Where O_TMPFILE is not supported, memfd_create serves for private segments.
//
// Models Boost.Interprocess' MemoryMappable, so that mapped_region maps it. Thread safety: as an int.
#pragma once

#include <boost/interprocess/creation_tags.hpp>
#include <boost/interprocess/detail/os_file_functions.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace partage::kernel {

class MemoryObject {
 public:
  MemoryObject() = default;
  /// A descriptor below 3 is changed for another one: where a program has closed its standard streams, what it prints would
  /// go over the segment's first bytes.
  explicit MemoryObject(int fd) noexcept;
  MemoryObject(MemoryObject&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  MemoryObject& operator=(MemoryObject&& other) noexcept;
  ~MemoryObject();

  /// A sparse object of `bytes`; no memory is charged yet. Throws OutOfMemory when the limits of the process or the
  /// machine do not allow it.
  static MemoryObject create(std::size_t bytes);
  /// The published object of that name, or nullopt when there is none. Throws ConnectionError when it may not be opened.
  static std::optional<MemoryObject> open(const std::string& name);

  /// The same object behind another descriptor. Throws ConnectionError when there are none left.
  MemoryObject duplicate() const;

  /// Gives the object its name. False: the name is taken.
  bool publish(const std::string& name) const;
  /// Removes the name; the object lives on for those who have it. False: there was none.
  static bool unpublish(const std::string& name) noexcept;
  /// The object under `name` is this very one.
  bool is_published_as(const std::string& name) const noexcept;

  /// Charges memory for [from, from + bytes). 0, or the errno of a full /dev/shm; nothing changes on failure.
  int commit(std::size_t from, std::size_t bytes) const noexcept;
  std::size_t size() const;
  int fd() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

  boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept { return {fd_, false}; }
  boost::interprocess::mode_t get_mode() const noexcept { return boost::interprocess::read_write; }

 private:
  int fd_ = -1;
};

/// "/dev/shm/partage.NAME". Throws ValueError for a name with a slash, an empty or an over-long one.
std::string path_of(const std::string& name);

}  // namespace partage::kernel
