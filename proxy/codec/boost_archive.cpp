#include <partage/codec/boost_archive.hpp>

namespace partage::codec::detail {

std::streamsize WriterBuffer::xsputn(const char* from, std::streamsize n) {
  writer_.write(from, static_cast<std::size_t>(n));
  return n;
}

WriterBuffer::int_type WriterBuffer::overflow(int_type c) {
  if (!traits_type::eq_int_type(c, traits_type::eof())) writer_.write_pod(traits_type::to_char_type(c));
  return traits_type::not_eof(c);
}

BytesBuffer::BytesBuffer(const std::byte* from, std::size_t n) {
  char* begin = const_cast<char*>(reinterpret_cast<const char*>(from));  // a get area is never written
  setg(begin, begin, begin + n);
}

}  // namespace partage::codec::detail
