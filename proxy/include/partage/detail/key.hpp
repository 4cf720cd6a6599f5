// Keys of dicts and sets: what may be passed for one, and its bytes.
//
// For string keys anything that converts to a string_view will do, without a std::string being made; a number will not,
// so that dict[0] does not become a null pointer to characters. For other keys, what converts to the key implicitly.
// Thread safety: full; KeyBytes is a local variable's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <partage/codec/codec.hpp>
#include <partage/detail/plain.hpp>
#include <partage/engine/error.hpp>
#include <partage/short_key.hpp>

namespace partage::detail {

template <class K>
concept StringKey = codec::kind_of<K>
== codec::Kind::string;

template <class Q, class K>
concept StringLike = StringKey<K> && std::is_convertible_v<const Q&, std::basic_string_view<typename K::value_type>> &&
    !std::is_null_pointer_v<Q>;

/// What may be passed for a K. Braces ({1, 2} for a pair) make a K.
template <class Q, class K>
concept KeyFor = (StringKey<K> && (std::is_same_v<PlainValue<Q>, K> || StringLike<PlainValue<Q>, K>)) ||
                 (!StringKey<K> && std::is_convertible_v<const PlainValue<Q>&, K>);

template <class T>
struct IsHandle : std::bool_constant<codec::kind_of<T> == codec::Kind::handle> {};

/// `static_assert(DictKey<K>::value)`: K may be the key of a dict.
template <class K>
struct DictKey {
  static constexpr bool value = codec::Key<K>::value;
  static_assert(!codec::detail::any_inside<IsHandle, K>(),
                "partage: a handle cannot be (part of) a key; use a number or a name that stands for the object");
};

/// The encoding of a key, owned: a ShortKey while it fits into one; up to 128 bytes without allocation.
template <class K>
class KeyBytes {
 public:
  [[gnu::always_inline]] explicit KeyBytes(const K& key) {
    static_assert(DictKey<K>::value);
    if constexpr (codec::is_flat<K> && !codec::has_floats<K>) {
      if constexpr (sizeof key <= ShortKey::capacity) {
        short_ = ShortKey(&key, sizeof key);
      } else {
        std::memcpy(long_.emplace().resize(sizeof key), &key, sizeof key);
      }
    } else if constexpr (StringKey<K>) {
      write_text(key);
    } else {
      const codec::Scratch scratch;
      codec::encode_key(*scratch, key);
      if (!scratch->refs().empty()) engine::throw_handle_in_key(codec::description<K>());
      take(scratch->view());
    }
  }
  template <KeyFor<K> Q>
  requires(!std::is_same_v<Q, K>) explicit KeyBytes(const Q& key) : KeyBytes(key, Passed{}) {}

  BytesView view() const { return long_ ? BytesView(long_->data(), long_->size()) : short_.view(); }
  /// nullptr: it is too long for one.
  const ShortKey* short_key() const { return long_ ? nullptr : &short_; }
  /// Calls fn with the ShortKey or with the view of a longer one.
  template <class Fn>
  decltype(auto) visit(Fn&& fn) const {
    return long_ ? fn(view()) : fn(short_);
  }

 private:
  struct Passed {};
  template <class Q>
  KeyBytes(const Q& key, Passed) {
    if constexpr (AnElementRef<Q>) {
      *this = KeyBytes(key.element());
    } else if constexpr (StringKey<K>) {
      static_assert(DictKey<K>::value);
      write_text(std::basic_string_view<typename K::value_type>(key));
    } else {
      *this = KeyBytes(static_cast<K>(key));
    }
  }

  void take(BytesView bytes) {
    if (bytes.size <= ShortKey::capacity) {
      short_ = ShortKey(bytes.data, bytes.size);
    } else {
      long_.emplace().assign(bytes);
    }
  }

  // As codec::encode does with a string: its length, seven bits a byte, then the characters.
  template <class Text>
  [[gnu::always_inline]] void write_text(const Text& text) {
    const std::size_t size = text.size() * sizeof(typename Text::value_type);
    if (size < ShortKey::capacity) [[likely]] {
      short_ = ShortKey(text.data(), size);
      short_.prepend(static_cast<std::uint8_t>(text.size()));
    } else {
      write_long_text(text.size(), text.data(), size);
    }
  }
  [[gnu::noinline]] void write_long_text(std::size_t length, const void* text, std::size_t size) {
    std::byte head[10];
    std::size_t n = 0;
    for (; length >= 0x80; length >>= 7) head[n++] = static_cast<std::byte>(length | 0x80);
    head[n++] = static_cast<std::byte>(length);
    std::byte* to = long_.emplace().resize(n + size);
    std::memcpy(to, head, n);
    std::memcpy(to + n, text, size);
  }

  ShortKey short_;
  std::optional<Bytes> long_;
};

template <class K>
K decode_key(BytesView bytes) {
  codec::Reader reader(bytes);
  K key = codec::decode_key<K>(reader);
  reader.finish();
  return key;
}

/// As Python prints the key, for messages.
template <class K>
std::string repr_of_key(BytesView bytes) {
  return codec::repr(decode_key<K>(bytes));
}

}  // namespace partage::detail
