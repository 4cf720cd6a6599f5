#include <partage/codec/description.hpp>

#include <algorithm>
#include <vector>

namespace partage::codec::detail {

namespace {
thread_local std::vector<const void*> open_types;
}

Describing::Describing(const void* tag)
    : already_(std::find(open_types.begin(), open_types.end(), tag) != open_types.end()) {
  open_types.push_back(tag);
}

Describing::~Describing() {
  open_types.pop_back();
}

}  // namespace partage::codec::detail
