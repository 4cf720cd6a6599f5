// dump, load: the objects of a manager as text, and back.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <partage/error.hpp>
#include <vector>

#include "manager/tool/commands.hpp"
#include "manager/tool/dump_loader.hpp"
#include "manager/tool/dump_writer.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/snapshot_file.hpp"

namespace partage::tool {
namespace {

std::string contents_of(const std::string& file) {
  errno = 0;
  std::ifstream named;
  if (file != "-") named.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : named;
  std::string text;
  std::vector<char> piece(std::size_t{64} << 10);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() != 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad() || (file != "-" && !named.is_open()) || errno == EISDIR) {
    throw Failure{Exit::failed, "partage: '" + file + "' cannot be read: " + std::strerror(errno)};
  }
  return text;
}

Dump dump_in(const std::string& file) {
  const std::string text = contents_of(file);
  try {
    return looks_like_snapshot(text) ? read_snapshot(text) : read_dump(text);
  } catch (const ValueError& e) {
    const std::string called = file == "-" ? "what stdin says" : '\'' + file + '\'';
    throw Failure{Exit::failed,
                  "partage: " + called + " was not loaded: " + without_prefix(static_cast<const Error&>(e).what())};
  }
}

}  // namespace

void dump(const std::string& name, bool all, bool as_json) {
  Attachment attachment(name);
  write_dump(attachment, {.readable = !as_json, .unnamed = all}, [](std::string_view piece) {
    std::cout << piece;
    if (!std::cout) throw Failure{Exit::failed, "partage: the output could not be written"};
  });
}

void load(const std::string& name, const std::string& file, bool replace) {
  using Taken = kernel::Registry::Taken;
  Attachment attachment(name);
  if (attachment.segment().unmanaged()) {
    throw Failure{Exit::misused, "partage: '" + name + "' is a message queue, and only managers have objects to load"};
  }
  load_dump(attachment, dump_in(file), replace ? Taken::replace : Taken::refuse);
}

}  // namespace partage::tool
