// The snapshots of a manager that serves: one is loaded when it starts with nothing, one is written every so often and at the
// orderly end.
//
//   Snapshots snapshots("stock", {.file = "stock.snapshot", .every = 30s});
//   snapshots.load(segment);                          // of nobody yet; unless a dead manager's objects were adopted
//   snapshots.begin(segment);                         // it serves: a thread writes from now on
//   snapshots.prepare_end();  ... shut down ...  snapshots.finish();
//
// Nobody waits for a snapshot: the thread is a client of the segment as others are, which holds the lock of one object at a
// time while it copies that. finish() comes after the end of the segment, when nobody can change it any more, so that no
// change that succeeded is missing in the last one.
//
// What fails is said on stderr; the file of before is kept, and the next one tries again.
//
// Thread safety: one thread calls. Errors: the constructor and load() throw Failure; the others nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "manager/tool/attachment.hpp"
#include "manager/tool/file_lock.hpp"
#include "manager/tool/snapshot_file.hpp"
#include "manager/tool/snapshot_store.hpp"

namespace partage::tool {

struct SnapshotOptions {
  std::string file;
  std::chrono::milliseconds every{30'000};
};

class Snapshots {
 public:
  /// Takes the file for this process; then reads and checks it, if there is one, and whether another can be written.
  Snapshots(std::string manager, const SnapshotOptions& options);
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;
  ~Snapshots();

  std::string file() const { return store_.file().string(); }
  /// False: another manager has the file, and nothing was read.
  bool owns_file() const noexcept { return lock_->held(); }
  /// There was a file.
  bool found() const noexcept { return dump_.has_value(); }
  /// It is no longer the file that was read: the manager before this one has just written it.
  bool is_outdated() const { return store_.version() != version_; }
  /// Makes what the file says in a segment to which this process is attached. Returns how many objects.
  std::size_t load(const std::shared_ptr<kernel::Segment>& segment) const;

  /// It serves: nobody else writes the file from now on.
  void begin(const std::shared_ptr<kernel::Segment>& segment) noexcept;
  /// While the segment lives.
  void prepare_end() noexcept;
  /// When it has ended. False: the last one was not written.
  bool finish() noexcept;

 private:
  std::unique_ptr<Attachment> attach() const;
  bool write(Attachment& attachment, bool can_stop);
  void run();
  void stop_thread();

  std::string manager_;
  SnapshotStore store_;
  std::optional<FileLock> lock_;
  std::chrono::milliseconds every_;
  SnapshotStore::Version version_;  // of what dump_ says
  std::optional<Dump> dump_;
  std::shared_ptr<kernel::Segment> segment_;
  std::unique_ptr<Attachment> last_;  // for finish()
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
};

}  // namespace partage::tool
