// expect: partage: this type cannot be stored .* give it a serialize\(\)
#include <partage/codec/codec.hpp>

class Closed {
 public:
  explicit Closed(int id = 0) : id_(id) {}
  int id() const { return id_; }

 private:
  int id_;
};
struct Open {
  int id;
};

#ifdef PARTAGE_CONTROL
using Element = Open;
#else
using Element = Closed;
#endif

std::string stored(const Element& element) {
  partage::codec::Writer writer;
  partage::codec::encode(writer, element);
  return partage::codec::description<Element>();
}
