// The third tier: types that need what only Boost's own archives do (pointers, tracking, exported classes), for which
// partage::use_boost_archive<T> is true. Each value becomes one binary archive without header, behind its length; it
// stands for itself, so that nothing is shared between two values. Costs about 500 ns a value.
//
// A handle inside is stored as a reference beside the archive (see current.hpp).
// Thread safety: as the Writer or Reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <streambuf>

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>

#include <partage/codec/current.hpp>
#include <partage/codec/nesting.hpp>
#include <partage/codec/reader.hpp>
#include <partage/codec/writer.hpp>
#include <partage/export.hpp>

namespace partage::codec {

namespace detail {

class PARTAGE_API WriterBuffer : public std::streambuf {
 public:
  explicit WriterBuffer(Writer& writer) : writer_(writer) {}

 protected:
  std::streamsize xsputn(const char* from, std::streamsize n) override;
  int_type overflow(int_type c) override;

 private:
  Writer& writer_;
};

class PARTAGE_API BytesBuffer : public std::streambuf {
 public:
  BytesBuffer(const std::byte* from, std::size_t n);
  std::size_t left() const { return static_cast<std::size_t>(egptr() - gptr()); }
};

inline constexpr unsigned archive_flags = boost::archive::no_header | boost::archive::no_codecvt;

}  // namespace detail

template <class T>
struct BoostArchive {
  static void save(Writer& writer, const T& value) {
    const Nesting nesting(writer);
    const CurrentWriter current(writer);
    const std::size_t at = writer.size();
    writer.write_pod(std::uint64_t{0});
    {
      detail::WriterBuffer buffer(writer);
      boost::archive::binary_oarchive archive(buffer, detail::archive_flags);
      archive << value;
    }
    const std::uint64_t length = writer.size() - at - sizeof(std::uint64_t);
    writer.patch(at, &length, sizeof length);
  }

  static void load(Reader& reader, T& value) {
    const Nesting nesting(reader);
    const CurrentReader current(reader);
    const auto length = reader.read_pod<std::uint64_t>();
    if (length > reader.left()) reader.corrupt("a Boost archive is longer than what is left");
    detail::BytesBuffer buffer(reader.take(static_cast<std::size_t>(length)), static_cast<std::size_t>(length));
    try {
      boost::archive::binary_iarchive archive(buffer, detail::archive_flags);
      archive >> value;
    } catch (const boost::archive::archive_exception& e) {
      reader.corrupt(e.what());
    } catch (const std::length_error& e) {
      reader.corrupt(e.what());
    }
    if (buffer.left() != 0) reader.corrupt("a Boost archive is longer than its value");
  }
};

}  // namespace partage::codec
