#include "manager/segment/segment.hpp"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <partage/error.hpp>
#include <vector>

#include "manager/segment/client_life.hpp"
#include "manager/segment/mappings.hpp"

namespace partage::kernel {
namespace {

constexpr std::size_t default_max = std::size_t{16} << 30;
constexpr std::size_t smallest_max = std::size_t{64} << 10;

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

/// What a default maximum may be here: reserving costs address space only, but the limits of the process count it.
std::size_t allowed_max() {
  std::size_t bytes = default_max;
  for (const auto resource : {RLIMIT_AS, RLIMIT_FSIZE}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
      bytes = std::min<std::size_t>(bytes, resource == RLIMIT_AS ? limit.rlim_cur / 4 : limit.rlim_cur);
    }
  }
  return bytes / 4096 * 4096;
}

boost::interprocess::mapped_region map(const MemoryObject& object, std::size_t bytes) {
  try {
    boost::interprocess::mapped_region region(object, boost::interprocess::read_write, 0, bytes, nullptr,
                                              MAP_NORESERVE);
    // A core dump would read all of the reserved memory, and so put pages behind its holes: gigabytes of /dev/shm and of the disk.
    ::madvise(region.get_address(), bytes, MADV_DONTDUMP);
    return region;
  } catch (const boost::interprocess::interprocess_exception& e) {
    throw OutOfMemory(std::string("partage: cannot map a segment (") + e.what() +
                          "); the address space limit (ulimit -v) may be lower than ManagerOptions::max_size",
                      bytes, 0, bytes);
  }
}

// All mappings of this process, for Segment::containing().
std::mutex& mappings_mutex() {
  static auto* mutex = new std::mutex;  // never destroyed: a static handle of the user may outlive our statics
  return *mutex;
}
std::vector<Segment*>& mappings() {
  static auto* list = new std::vector<Segment*>;
  return *list;
}

}  // namespace

void lock_mappings() noexcept {
  mappings_mutex().lock();
}
void unlock_mappings() noexcept {
  mappings_mutex().unlock();
}

Segment::Segment(MemoryObject object, boost::interprocess::mapped_region region)
    : object_(std::move(object)), region_(std::move(region)), base_(static_cast<std::byte*>(region_.get_address())) {
  const std::lock_guard guard(mappings_mutex());
  mappings().push_back(this);
}

Segment::~Segment() {
  if (life_thread.load() != 0) Lives(*this).release();
  const std::lock_guard guard(mappings_mutex());
  std::erase(mappings(), this);
  if (life_thread.load() != 0) {
    // Another thread has a lock of this mapping in its list of robust locks and only that thread can take it out: the mapping
    // stays to the end of the process.
    static auto* const kept = new std::vector<boost::interprocess::mapped_region>;
    kept->push_back(std::move(region_));
  }
}

Segment& Segment::containing(const void* p) {
  const std::lock_guard guard(mappings_mutex());
  for (Segment* s : mappings()) {
    const auto* b = static_cast<const std::byte*>(p);
    if (b >= s->base_ && b < s->base_ + s->region_.get_size()) return *s;
  }
  throw Corrupt("partage: this heap is not in a segment that is mapped by this process");
}

std::vector<std::pair<void*, std::size_t>> Segment::mapped_ranges() {
  const std::lock_guard guard(mappings_mutex());
  std::vector<std::pair<void*, std::size_t>> ranges;
  for (const Segment* s : mappings()) ranges.emplace_back(s->region_.get_address(), s->region_.get_size());
  return ranges;
}

std::shared_ptr<Segment> Segment::create(const Size& size, const std::string& name) {
  if (!name.empty()) (void)path_of(name);  // a bad name is refused before anything is made
  const std::size_t max = whole_pages(size.max != 0 ? size.max : std::max(allowed_max(), smallest_max));
  if (max < smallest_max) {
    throw ValueError("partage: max_size " + std::to_string(size.max) +
                     " is too small for a segment; it needs at least " + std::to_string(smallest_max) + " bytes");
  }
  const std::size_t initial = std::min(max, whole_pages(std::max<std::size_t>(size.initial, 32 << 10)));
  MemoryObject object = MemoryObject::create(max);
  if (const int error = object.commit(0, initial); error != 0) {
    throw OutOfMemory(std::string("partage: cannot commit the first bytes of a segment: ") + std::strerror(error) +
                          "; free space in /dev/shm or set a smaller ManagerOptions::initial_size",
                      max, 0, initial);
  }
  auto region = map(object, max);
  std::shared_ptr<Segment> segment(new Segment(std::move(object), std::move(region)));

  auto* header = new (segment->base_) SegmentHeader;
  const Draft draft(header, sizeof *header);
  draft.zero(reinterpret_cast<Word*>(header), offsetof(SegmentHeader, service) / 8);
  draft.set(header->manager_pid, 0);
  draft.set(header->manager_epoch, 0);
  header->format = segment_format;
  const AbiWords abi = this_program_abi();
  std::copy(std::begin(abi.word), std::end(abi.word), header->abi);
  draft.set(header->committed, initial);
  header->max = max;
  if (getrandom(&header->id, sizeof header->id, 0) != sizeof header->id) {
    header->id =
        static_cast<u64>(std::chrono::steady_clock::now().time_since_epoch().count()) ^ static_cast<u64>(getpid());
  }
  header->heap = heap_offset;
  std::memcpy(header->name, name.c_str(), name.size() + 1);
  // The managed segment of Boost.Interprocess over our heap; its index is null_index, names are the registry's.
  // NOLINTNEXTLINE(bugprone-unused-raii): what it makes stands in the memory
  ManagedSegment(boost::interprocess::create_only, segment->base_ + heap_offset, max - heap_offset);
  header->magic = segment_magic;
  return segment;
}

std::shared_ptr<Segment> Segment::attach(MemoryObject object) {
  const std::size_t bytes = object.size();
  if (bytes < sizeof(SegmentHeader)) check_header(SegmentHeader{}, bytes);
  {
    // The header is examined in a copy that is read, not mapped: looking at a foreign file full of holes would need memory
    // and raise SIGBUS when there is none.
    alignas(SegmentHeader) std::byte page[sizeof(SegmentHeader)];
    if (::pread(object.fd(), page, sizeof page, 0) != sizeof page) {
      throw ConnectionError(std::string("partage: cannot read the header of a segment: ") + std::strerror(errno));
    }
    check_header(*reinterpret_cast<const SegmentHeader*>(page), bytes);
  }
  auto region = map(object, bytes);
  return std::shared_ptr<Segment>(new Segment(std::move(object), std::move(region)));
}

void Segment::shut_down() noexcept {
  Log::decide(header().state, static_cast<u64>(SegmentState::shut_down));
  wake_all(reinterpret_cast<const u32*>(&header().state));  // those who sleep in it, see segment/waiting.hpp
}

}  // namespace partage::kernel
