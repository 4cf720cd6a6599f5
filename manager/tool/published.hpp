// The named segments of this machine, as they lie in /dev/shm, and the way into one.
//
// What lies there may be anything: a segment of another user, another version, no segment at all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "manager/segment/segment.hpp"

namespace partage::tool {

/// How long a command waits for a lock that a stopped process holds.
inline constexpr std::chrono::seconds patience{5};

/// NAME of every /dev/shm/partage.NAME, sorted. Throws Failure when the directory cannot be read.
std::vector<std::string> published_names();

/// "name" of "shm://name"; Failure (misused) if it can name no manager.
std::string name_in(const std::string& address);

/// The segment of that name, not attached: to be looked at. Failure (not_found) when there is none; ConnectionError
/// when it cannot be opened, says why.
std::shared_ptr<kernel::Segment> look_at(const std::string& name);
/// The same for who says himself which file it is about: not every ConnectionError does.
std::shared_ptr<kernel::Segment> look_at_file(const std::string& name);
/// What is wrong with the segment of that name, with the path of its file.
std::string naming(const std::string& name, const std::string& sentence);

/// The same of one that still lives: Failure (not_found) too when it was shut down.
std::shared_ptr<kernel::Segment> look_at_live(const std::string& name);

/// What a published segment is at this moment.
enum class Service {
  serving,
  orphaned,   // its manager died, processes are attached; data operations go on
  abandoned,  // everybody died: for `clean`
  queue,      // a message queue: nobody serves it, and it stays until it is removed
  ended       // shut down; its name is about to go, or was left by a death in that moment
};
const char* word_for(Service service) noexcept;
Service service_of(kernel::Segment& segment);

}  // namespace partage::tool
