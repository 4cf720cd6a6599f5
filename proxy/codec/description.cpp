#include <partage/codec/description.hpp>

#include <utility>

namespace partage::codec::detail {

namespace {
thread_local const Describing* innermost = nullptr;
}

Describing::Describing(const void* tag) : tag_(tag), outer_(std::exchange(innermost, this)) {
  for (const Describing* d = outer_; d != nullptr; d = d->outer_) already_ = already_ || d->tag_ == tag;
}

Describing::~Describing() {
  innermost = outer_;
}

}  // namespace partage::codec::detail
