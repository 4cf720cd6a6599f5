#include "proxy/engine/snapshot.hpp"

namespace partage::engine {

Snapshot::Snapshot() : contents_(std::make_unique<Contents>()) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

std::size_t Snapshot::size() const noexcept {
  return contents_->table.size();
}

ValueView Snapshot::operator[](std::size_t i) const noexcept {
  const BytesView bytes = contents_->table[i];
  if (bytes.refs.empty()) return {bytes, {}};
  const auto first = bytes.refs.data() - contents_->table[0].refs.data();  // they stand in one vector
  return {bytes, std::span(contents_->objects.data() + first, bytes.refs.size())};
}

}  // namespace partage::engine
