#include "manager/tool/snapshots.hpp"

#include <iostream>
#include <partage/error.hpp>

#include "manager/server/manager.hpp"
#include "manager/tool/dump_loader.hpp"
#include "manager/tool/dump_writer.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

/// For a lock that a stopped process holds. The next snapshot is not far.
constexpr std::chrono::milliseconds patience{2000};
/// An operation that had begun when the segment was shut down may still commit; it takes microseconds.
constexpr std::chrono::milliseconds settling{10};

struct Stopped {};

/// Calls fn; false and a sentence on stderr if it throws.
template <class Fn>
bool report_failure(const std::string& what, Fn fn) noexcept {
  std::string why;
  try {
    fn();
    return true;
  } catch (const Stopped&) {
    return false;
  } catch (const Failure& e) {
    why = e.sentence;
  } catch (const Error& e) {
    why = e.what();
  } catch (const std::exception& e) {
    why = e.what();
  }
  std::cerr << harmless("partage: " + what + ": " + without_prefix(why)) << std::endl;
  return false;
}

}  // namespace

Snapshots::Snapshots(std::string manager, const SnapshotOptions& options)
    : manager_(std::move(manager)), store_(options.file), every_(options.every) {
  store_.check_writable();
  lock_.emplace(store_.file());
  if (!lock_->held()) return;
  version_ = store_.version();
  if (const auto bytes = store_.read()) {
    try {
      dump_ = read_snapshot(*bytes);
    } catch (const ValueError& e) {
      throw Failure{Exit::failed, "partage: the snapshot '" + file() +
                                      "' cannot be loaded: " + without_prefix(static_cast<const Error&>(e).what()) +
                                      "; it is left as it is, move it away to begin without it"};
    }
  }
}

Snapshots::~Snapshots() {
  stop_thread();
}

std::size_t Snapshots::load(const std::shared_ptr<kernel::Segment>& segment) const {
  Attachment attachment(manager_, segment, Attachment::AtEnd::stay);
  load_dump(attachment, *dump_, kernel::Registry::Taken::refuse);
  return dump_->objects.size();
}

std::unique_ptr<Attachment> Snapshots::attach() const {
  // A mapping of its own, with a client slot and a patience of its own.
  auto own = kernel::Segment::attach(segment_->object().duplicate());
  own->operation_timeout = patience;
  kernel::join_segment(*own);
  return std::make_unique<Attachment>(manager_, std::move(own), Attachment::AtEnd::leave);
}

bool Snapshots::write(Attachment& attachment, bool can_stop) {
  return report_failure("no snapshot of '" + manager_ + "' was written to '" + file() + '\'', [&] {
    store_.write([&](SnapshotStore::Take take) {
      write_dump(attachment, {}, [&](std::string_view piece) {
        if (can_stop) {
          const std::lock_guard lock(mutex_);
          if (stopping_) throw Stopped{};
        }
        take(piece);
      });
    });
  });
}

void Snapshots::run() {
  auto next = std::chrono::steady_clock::now() + every_;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_until(lock, next, [&] { return stopping_; })) return;
    }
    report_failure("no snapshot of '" + manager_ + "' was written", [&] { write(*attach(), true); });
    next = std::max(next + every_, std::chrono::steady_clock::now());
  }
}

void Snapshots::begin(const std::shared_ptr<kernel::Segment>& segment) noexcept {
  dump_.reset();
  segment_ = segment;
  report_failure("there will be no snapshots of '" + manager_ + "' before its end", [&] {
    store_.clean_up();
    thread_ = std::thread([this] { run(); });
  });
}

void Snapshots::stop_thread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Snapshots::prepare_end() noexcept {
  stop_thread();
  report_failure("the last snapshot of '" + manager_ + "' cannot be written", [&] { last_ = attach(); });
}

bool Snapshots::finish() noexcept {
  if (!last_) return false;
  std::this_thread::sleep_for(settling);
  return write(*std::exchange(last_, nullptr), false);
}

}  // namespace partage::tool
