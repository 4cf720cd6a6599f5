// One level of a recursive value, for as long as it lives; Writer and Reader count them and refuse more than 512.
//
// Thread safety: as the Writer or Reader it counts for.
#pragma once

namespace partage::codec {

template <class Stream>
class Nesting {
 public:
  explicit Nesting(Stream& stream) : stream_(stream) { stream_.enter(); }
  ~Nesting() { stream_.leave(); }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  Stream& stream_;
};

}  // namespace partage::codec
