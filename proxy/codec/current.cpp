#include <partage/codec/current.hpp>

namespace partage::codec::detail {

namespace {
thread_local Writer* current_writer = nullptr;
thread_local Reader* current_reader = nullptr;
}  // namespace

Writer*& current(Writer*) {
  return current_writer;
}
Reader*& current(Reader*) {
  return current_reader;
}

}  // namespace partage::codec::detail
