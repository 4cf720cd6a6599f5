#include <partage/codec/reader.hpp>

#include <string>

#include <partage/error.hpp>

namespace partage::codec {

void Reader::corrupt(const char* what) const {
  throw Corrupt("partage: a stored value is damaged, or was written as another type: " + std::string(what) +
                ", at byte " + std::to_string(position()) + " of " + std::to_string(end_ - begin_) +
                "; check that all programs were built with the same definition of the type");
}

void Reader::too_short(std::size_t wanted) const {
  corrupt(("it ends too early, " + std::to_string(wanted) + " more bytes were expected where " +
           std::to_string(left()) + " are left")
              .c_str());
}

void Reader::impossible_count(std::uint64_t n) const {
  corrupt(("it announces " + std::to_string(n) + " elements, more than fit in what is left").c_str());
}

void Reader::no_more_objects() const {
  corrupt("it has fewer references to shared objects than the type has handles");
}

void Reader::not_finished() const {
  if (at_ != end_) corrupt((std::to_string(left()) + " bytes are left over").c_str());
  corrupt((std::to_string(objects_left()) + " references to shared objects are left over").c_str());
}

std::uint64_t Reader::read_long_count(std::uint8_t first) {
  std::uint64_t n = first & 0x7f;
  for (unsigned shift = 7;; shift += 7) {
    const auto byte = read_pod<std::uint8_t>();
    const std::uint64_t bits = byte & 0x7f;
    if (shift > 63 || (shift == 63 && bits > 1)) corrupt("a count does not fit in 64 bits");
    n |= bits << shift;
    if (byte < 0x80) return n;
  }
}

}  // namespace partage::codec
