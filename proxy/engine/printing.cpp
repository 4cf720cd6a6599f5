#include <partage/engine/printing.hpp>

#include <utility>

namespace partage::engine {

namespace {
thread_local const Printing* innermost = nullptr;
}

Printing::Printing(const ObjectPtr& object) : object_(object.get()), outer_(std::exchange(innermost, this)) {
  for (const Printing* p = outer_; p != nullptr; p = p->outer_) already_ = already_ || p->object_ == object_;
}

Printing::~Printing() {
  innermost = outer_;
}

}  // namespace partage::engine
