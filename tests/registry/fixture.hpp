// A formatted segment to which this process is attached, without a manager, and short ways to make and look at objects.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "manager/registry/reap.hpp"
#include "manager/registry/registry.hpp"
#include "manager/registry/verify.hpp"
#include "manager/server/manager.hpp"

namespace partage::test {

inline BytesView view(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string text(const Bytes& b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

/// The objects of any segment, however this process came to it. A value, like the registry itself.
class Hosting {
 public:
  explicit Hosting(kernel::Segment& segment, kernel::Control control = kernel::Control::alone)
      : segment_(&segment), registry_(segment, control) {}

  kernel::Segment& segment() const { return *segment_; }
  kernel::Registry& registry() { return registry_; }
  kernel::Objects objects() const { return kernel::Objects(*segment_); }

  ObjectRef new_list(bool handles = false, std::string_view name = "") {
    return registry_.create_list(handles ? "list<list<str>>" : "list<str>", name,
                                 {.packed_size = 0, .handles = handles});
  }
  ObjectRef new_dict(bool handles = false, std::string_view name = "", unsigned stripes_log2 = 0) {
    return registry_.create_dict(handles ? "dict<str,list<str>>" : "dict<str,str>", name,
                                 {.stripes_log2 = stripes_log2, .handles = handles});
  }
  kernel::List list(ObjectRef ref) { return {*segment_, registry_.facts(ref).value().body}; }
  kernel::Dict dict(ObjectRef ref) {
    return {*segment_, segment_->at<kernel::DictBody>(registry_.facts(ref).value().body)};
  }

  void append(ObjectRef list_ref, std::string_view s) { list(list_ref).append(view(s)); }
  void append_handle(ObjectRef list_ref, ObjectRef ref) { list(list_ref).append(BytesView("", 0, {&ref, 1})); }
  void release(ObjectRef ref) { registry_.release(ref); }

  /// Live objects, without the registry's own.
  std::size_t count() { return registry_.objects().size(); }
  kernel::u64 used() const { return segment_->runs().used(); }
  std::string verify() const { return kernel::verify_segment(*segment_); }

 private:
  kernel::Segment* segment_;
  kernel::Registry registry_;
};

class RegistryFixture {
 public:
  explicit RegistryFixture(std::size_t max = std::size_t{64} << 20)
      : segment_(kernel::make_segment({.initial = 0, .max = max})), hosting_(*segment_) {}

  kernel::Segment& segment() { return *segment_; }
  Hosting& operator*() { return hosting_; }
  Hosting* operator->() { return &hosting_; }

 private:
  std::shared_ptr<kernel::Segment> segment_;
  Hosting hosting_;
};

}  // namespace partage::test
