#include <partage/error.hpp>

namespace partage {

OutOfMemory::OutOfMemory(const std::string& reason, std::size_t limit, std::size_t used, std::size_t asked)
    // NOLINTNEXTLINE(bugprone-throw-keyword-missing): a member, which the exception carries
    : message_(reason + " (limit " + std::to_string(limit) + " bytes, used " + std::to_string(used) + ", asked for " +
               std::to_string(asked) + "; nothing was changed)"),
      limit_(limit),
      used_(used),
      asked_(asked) {}

}  // namespace partage
