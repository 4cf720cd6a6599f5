// A segment with an object of every kind in it, copies of it, and what can be done with such a copy. For tests that damage one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "manager/registry/registry.hpp"

namespace partage::test {

/// Bytes of the segment: enough for every kind, few enough to be copied ten thousand times.
inline constexpr std::size_t world_max = std::size_t{4} << 20;

struct WorldObject {
  ObjectRef ref;
  kernel::ObjectFacts facts;      // as whoever has a handle knows them
  std::string what;               // for messages
  std::vector<kernel::u64> runs;  // all it owns
  std::string contents;           // as contents_of() says it
};

class World {
 public:
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  kernel::Segment& segment() const { return *segment_; }
  const std::vector<WorldObject>& objects() const { return objects_; }
  const WorldObject& object(const std::string& what) const;
  /// Begin and end of every piece of memory that is in use: the header, the heap's words, the runs.
  const std::vector<std::pair<kernel::u64, kernel::u64>>& used() const { return used_; }
  /// The same bytes in another file, to be changed and attached.
  kernel::MemoryObject copy() const;

 private:
  std::shared_ptr<kernel::Segment> segment_;
  std::vector<WorldObject> objects_;
  std::vector<std::pair<kernel::u64, kernel::u64>> used_;
};

/// All that can be read of an object, in one text. Throws the library's errors.
std::string contents_of(kernel::Segment& segment, const kernel::ObjectFacts& facts);
/// Every kind of operation once. Throws the library's errors.
void use(kernel::Segment& segment, const kernel::ObjectFacts& facts);

}  // namespace partage::test
