// Random descriptions of types and, for any description, random bytes that a value of it may be stored as: what a program
// that defines such types would have put into a container.
//
// The grammar of the bytes is the codec's (proxy/include/partage/codec/encode.hpp).
// Thread safety: none; one generator a thread. Everything follows from the seed.
#pragma once

#include <partage/bytes.hpp>
#include <random>
#include <string>
#include <vector>

#include "manager/schema/type.hpp"

namespace partage::test {

class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed) : random_(seed) {}

  std::mt19937_64& engine() { return random_; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }

  /// Of an element; `handles`: it may hold references. For keys: no floats, which have keys of one form only.
  std::string description(unsigned depth, bool handles, bool key = false);
  /// `handles`: objects to refer to, by description.
  struct Target {
    std::string types;
    ObjectRef ref;
  };
  Bytes value(const schema::Type& type, const std::vector<Target>& targets);

 private:
  std::string leaf(bool handles, bool key);
  void write(const schema::Type& type);
  void raw(std::size_t n);
  void count(std::uint64_t n);
  void text(std::size_t unit);
  void object(unsigned depth);
  void floating(std::size_t size);
  template <class T>
  void put(T x) {
    out_.append(reinterpret_cast<const char*>(&x), sizeof x);
  }

  std::mt19937_64 random_;
  std::string out_;
  std::vector<ObjectRef> refs_;
  const std::vector<Target>* targets_ = nullptr;
  unsigned depth_ = 0;
};

}  // namespace partage::test
