#include <partage/codec/encode.hpp>

#include <string>

#include <partage/error.hpp>

namespace partage::codec::detail {

void throw_nan_key() {
  throw ValueError(
      "partage: NaN cannot be (part of) a key, because it equals nothing, not even itself; use an optional "
      "or another number for what is missing");
}

void throw_empty_handle(const std::string& type) {
  throw ValueError("partage: an empty handle (" + type +
                   ") cannot be stored, because it refers to no object; make one with the manager first, or store a "
                   "std::optional of the handle");
}

void throw_valueless_variant() {
  throw ValueError("partage: a variant that lost its value to an exception cannot be stored; assign it a value first");
}

}  // namespace partage::codec::detail
