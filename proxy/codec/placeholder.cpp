#include <partage/codec/placeholder.hpp>

namespace partage::codec {

namespace {
thread_local unsigned depth = 0;
}

Placeholders::Placeholders() noexcept {
  ++depth;
}
Placeholders::~Placeholders() {
  --depth;
}
bool Placeholders::wanted() noexcept {
  return depth != 0;
}

}  // namespace partage::codec
