// A snapshot file on disk (snapshot_file.hpp says what is in it), read as a whole and replaced as a whole.
//
// Writing:                                                 dies after it: FILE is           and beside it lies
//   1  FILE.partage-XXXXXX is made, of nobody before, 0600   the old one                      an empty file
//   2  the dump is written behind room for the first line    the old one                      what is no snapshot
//   3  the first line, which makes it one                    the old one                      perhaps a whole one
//   4  fsync                                                 the old one                      a whole one
//   5  rename to FILE                                        the old or the new one           nothing
//   6  fsync of the directory                                the new one                      nothing
// What lies beside it is removed by clean_up(). Whatever fails before 5 leaves the old one and nothing beside it.
//
// FILE that is a symbolic link: what it points to is replaced, or made. Two managers must not have the same file
// (file_lock.hpp).
// Thread safety: of calls for one file, one at a time.
// Errors: Failure, a sentence that names the file, the reason, and what became of what was there.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <partage/function_view.hpp>
#include <string>
#include <string_view>

namespace partage::tool {

class SnapshotStore {
 public:
  explicit SnapshotStore(const std::filesystem::path& file);

  const std::filesystem::path& file() const noexcept { return file_; }

  /// Which file it is and of when: another one after each write(). Nothing: there is none.
  struct Version {
    unsigned long long device = 0, inode = 0;
    long long size = -1, seconds = 0, nanoseconds = 0;
    bool operator==(const Version&) const = default;
  };
  Version version() const;
  /// All of the file; nullopt: there is none.
  std::optional<std::string> read() const;
  /// The directory takes files of ours. So it is known before a manager serves, not when it ends.
  void check_writable() const;
  /// Removes what writers that were killed have left.
  void clean_up() const;

  using Take = FunctionView<void(std::string_view piece)>;
  /// `produce` hands the dump to `take`; what it throws ends it.
  void write(FunctionView<void(Take take)> produce) const;

  /// For tests: called with 1 to 6 after each of the steps above.
  std::function<void(int step)> after_step{};

 private:
  void passed(int step) const {
    if (after_step) after_step(step);
  }
  [[noreturn]] void fail(const char* what, int error) const;

  std::filesystem::path file_;
};

}  // namespace partage::tool
