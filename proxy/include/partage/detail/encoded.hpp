// The bytes of a value, or of many, for the length of one call into the engine.
//
//   engine.append(Encoded<T>(x, engine.object()).view());
//
// A type whose encoding is its object representation (codec::is_flat) is not copied at all: the view shows the value
// itself, which must stay where it is. Others go through this thread's Writer, without allocating.
// Thread safety: a local variable's.
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <partage/codec/codec.hpp>
#include <partage/engine/storing.hpp>
#include <partage/engine/value.hpp>

namespace partage::detail {

template <class T, class Home>
void encode_for(codec::Writer& writer, const T& value, const Home& home) {
  static_assert(
      !codec::holds_passengers<T>,
      "partage: a Connection cannot be stored in a shared object: it is an open descriptor of this process; send "
      "it through another Connection, or pass it to a Process");
  if constexpr (codec::holds_handles<T>) {
    const engine::Storing scope(home);
    codec::encode(writer, value);
  } else {
    codec::encode(writer, value);
  }
}

template <class T, bool flat = codec::is_flat<T>>
class Encoded {
 public:
  /// `home`: the container (engine::ObjectPtr), or the session of one that does not exist yet.
  template <class Home>
  Encoded(const T& value, const Home& home) {
    encode_for(*scratch_, value, home);
  }
  BytesView view() const { return scratch_->view(); }

 private:
  codec::Scratch scratch_;
};

template <class T>
class Encoded<T, true> {
 public:
  template <class Home>
  Encoded(const T& value, const Home&) : value_(value) {}
  BytesView view() const { return {&value_, sizeof value_}; }

 private:
  const T& value_;
};

template <class T>
void encode_to(Bytes& out, const T& value, const engine::ObjectPtr& container) {
  out.assign(Encoded<T>(value, container).view());
}

template <class T>
T decode(const engine::ValueView& value) {
  return codec::decode_all<T>(value.bytes, value.objects);
}
template <class T>
T decode(const engine::Value& value) {
  return decode<T>(value.view());
}

template <class T>
std::vector<T> decode_each(const engine::Snapshot& snapshot) {
  std::vector<T> out;
  const std::size_t n = snapshot.size();
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) out.push_back(decode<T>(snapshot[i]));
  return out;
}

/// The elements of a range, each converted to T, one behind the other in one buffer.
template <class T>
class EncodedRange {
 public:
  template <class Range, class Home>
  EncodedRange(Range&& range, const Home& home) {
    for (auto&& element : range) {
      if constexpr (codec::holds_handles<T>) {
        kept_.push_back(static_cast<T>(std::forward<decltype(element)>(element)));
        add(kept_.back(), home);
      } else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(element)>, T>) {
        add(element, home);
      } else {
        add(static_cast<T>(std::forward<decltype(element)>(element)), home);
      }
    }
    finish();
  }
  std::span<const BytesView> views() const { return views_; }

 private:
  template <class Home>
  void add(const T& value, const Home& home) {
    ends_.push_back({scratch_->size(), scratch_->refs().size()});
    encode_for(*scratch_, value, home);
  }
  void finish() {
    views_.reserve(ends_.size());
    ends_.push_back({scratch_->size(), scratch_->refs().size()});
    for (std::size_t i = 0; i + 1 < ends_.size(); ++i) {
      const auto [byte, ref] = ends_[i];
      const auto [next_byte, next_ref] = ends_[i + 1];
      const std::span refs(scratch_->refs().data() + ref, next_ref - ref);
      views_.push_back({scratch_->data() + byte, next_byte - byte, refs});
    }
  }

  codec::Scratch scratch_;
  std::vector<T> kept_;  // handles that the range made on the way are held until they are stored
  std::vector<std::pair<std::size_t, std::size_t>> ends_;
  std::vector<BytesView> views_;
};

/// As many views as a snapshot has elements.
inline std::vector<BytesView> views_of(const engine::Snapshot& snapshot) {
  std::vector<BytesView> out;
  out.reserve(snapshot.size());
  for (std::size_t i = 0; i < snapshot.size(); ++i) out.push_back(snapshot[i].bytes);
  return out;
}

}  // namespace partage::detail
