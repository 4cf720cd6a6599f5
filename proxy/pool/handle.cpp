// What the templates of pool.hpp call: the inputs of a job, and a pool as the program holds it.
#include <algorithm>
#include <partage/error.hpp>

#include "proxy/pool/core.hpp"

namespace partage::engine::pool {

void JobInputs::add(BytesView input) {
  const auto* const from = static_cast<const std::byte*>(input.data);
  bytes.insert(bytes.end(), from, from + input.size);
  if (stride == 0) ends.push_back(bytes.size());
  ++count;
}

void JobInputs::add(Parcel&& parcel) {
  if (!parcel.descriptors.empty())
    throw UsageError("partage: pool: a Connection cannot be passed to a task; give it to the initializer");
  type = std::move(parcel.type);
  const auto append = [this](const void* from, std::size_t n) {
    bytes.insert(bytes.end(), static_cast<const std::byte*>(from), static_cast<const std::byte*>(from) + n);
  };
  const auto references = static_cast<std::uint32_t>(parcel.objects.size());
  append(&references, sizeof references);
  for (ObjectPtr& object : parcel.objects) {
    const SessionPtr& session = static_cast<const SharedObject*>(object.get())->session;
    const auto at = std::ranges::find(segments, session);
    const auto index = static_cast<std::uint32_t>(at - segments.begin());
    if (at == segments.end()) segments.push_back(session);
    const ObjectRef ref = object.ref();
    append(&index, sizeof index);
    append(&ref, sizeof ref);
    held.push_back(std::move(object));
  }
  append(parcel.bytes.data(), parcel.bytes.size());
  ends.push_back(bytes.size());
  ++count;
}

PoolHandle::PoolHandle(SessionPtr session, const CoreOptions& options, std::unique_ptr<process::Task> initializer)
    : core_(std::make_shared<Core>(std::move(session), options, std::move(initializer))) {
  core_->start();
}

Core& PoolHandle::core(const char* operation) const {
  if (!core_)
    throw ProcessError(std::string("partage: a Pool that was moved away: ") + operation +
                       ": use the one it was moved to");
  if (!core_->is_owner()) {
    throw ProcessError(std::string("partage: pool: ") + operation +
                       ": it belongs to the process that made it; make one here, or send the tasks there by a queue");
  }
  return *core_;
}

JobPtr PoolHandle::submit(const Callable& callable, JobInputs inputs, const JobOptions& options) const {
  return core(options.operation).submit(callable, std::move(inputs), options);
}

std::uint64_t PoolHandle::default_chunk(std::uint64_t tasks) const {
  const std::uint64_t shares = 4 * static_cast<std::uint64_t>(core("map").workers());
  return std::max<std::uint64_t>(1, (tasks + shares - 1) / shares);
}

void PoolHandle::on_progress(Progress progress) const {
  core("on_progress").on_progress(std::move(progress));
}
void PoolHandle::close() const {
  core("close").close();
}
void PoolHandle::terminate() const {
  core("terminate").terminate();
}
void PoolHandle::join() const {
  core("join").join();
}
int PoolHandle::workers() const {
  return core("workers").workers();
}
std::vector<pid_t> PoolHandle::pids() const {
  return core("pids").pids();
}

void PoolHandle::end() const noexcept {
  if (!core_ || !core_->is_owner()) return;
  try {
    core_->terminate();
    core_->join();
  } catch (...) {  // in a callback of its own
    core_->abandon();
  }
}

void throw_bad_chunk(const char* operation, std::ptrdiff_t chunk) {
  throw ValueError(std::string("partage: pool: ") + operation + ": chunksize is " + std::to_string(chunk) +
                   "; it is the number of inputs a worker takes at a time, at least 1");
}

}  // namespace partage::engine::pool
