// What a child that runs the program anew is told: who it is, and what it is to do. And the socket it comes through.
//
//   parent                                         child, in init()
//   socket pair, the program started with one end
//   send(letter)                                   read_letter()
//                                                  attaches, makes its Process out of the order
//   await_answer()                                 answer: ready, or what went wrong
//   lets go of the order's objects                 runs
//
// The parent holds the objects of the arguments until the answer has come, so nobody else has to on the way. A child that
// ends without an answer has not called init().
//
// Layout of the one packet (SOCK_SEQPACKET): u64 bytes of the sealed file. Descriptors with it: that file, the parent's
// lifeline, the segment of the process tree if has_tree, then those of the shipment.
// Layout of an answer: u32 0 = ready; or 1 and a text.
//
// Thread safety: none. Errors: ProcessError, ConnectionError.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <partage/engine/parcel.hpp>
#include <partage/engine/task.hpp>
#include <partage/start_method.hpp>
#include <string>
#include <vector>

#include "manager/platform/descriptors.hpp"
#include "proxy/process/child.hpp"

namespace partage::engine::process {

/// As an aggregate it is encoded field by field.
struct LetterText {
  std::string name, path;
  bool daemon = false;
  std::int32_t method = 0, default_method = 0;
  std::string parent_name;
  std::int32_t parent_pid = 0;
  std::string process_class;  // of PARTAGE_PROCESS; "": a Process with a function
  CodeAddress entry;          // size 0: no function
  bool has_tree = false;
  std::vector<std::byte> order;  // a shipment's bytes
};

struct Letter {
  LetterText text;
  std::vector<SharedDescriptor> descriptors;  // without the file
  Parcel held;                                // until the answer
};

/// Throws ProcessError when what the process is to call cannot be sent.
Letter write_letter(const Child& child, const Process& process);
/// Throws ProcessError when the child has gone, or there is no memory or no descriptor to be had.
void send(const Letter& letter, int socket);
/// "": ready. `pid` for the case that the child dies.
std::string await_answer(int socket);

/// In the child: takes it, becomes that process, answers and runs. Closes the socket.
[[noreturn]] void follow_letter(kernel::OwnedDescriptor socket);

}  // namespace partage::engine::process
