#include "proxy/process/letter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <partage/error.hpp>
#include <system_error>
#include <typeinfo>

#include "manager/platform/process_epoch.hpp"
#include "proxy/engine/sessions.hpp"
#include "proxy/process/bootstrap.hpp"
#include "proxy/process/lifeline.hpp"
#include "proxy/process/registered.hpp"

namespace partage::engine::process {

namespace {

constexpr std::uint32_t answer_ready = 0, answer_failed = 1;
constexpr std::size_t longest_answer = 4096;

[[noreturn]] void fail(const std::string& name, int error) {
  throw ProcessError("partage: process '" + name + "': start: " + std::system_category().message(error) +
                     "; free memory, or close some files (ulimit -n)");
}

SharedDescriptor duplicate(int fd, const std::string& name) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) fail(name, errno);
  return std::make_shared<const Descriptor>(copy);
}

void answer(int socket, std::uint32_t kind, const std::string& text) noexcept {
  const iovec pieces[] = {{&kind, sizeof kind},
                          {const_cast<char*>(text.data()), std::min(text.size(), longest_answer)}};
  kernel::send_packet(socket, pieces, {});
}

LetterText read_text(const kernel::OwnedDescriptor& file, std::uint64_t size) {
  if (size > kernel::bytes_in_file(file.get())) throw ProcessError("partage: its orders are cut short");
  std::vector<std::byte> bytes(size);
  if (!kernel::read_file(file.get(), bytes.data(), bytes.size()))
    throw ProcessError("partage: its orders are cut short");
  codec::Reader reader(bytes.data(), bytes.size(), std::span<const ObjectPtr>());
  return codec::decode_all<LetterText>(reader);
}

std::unique_ptr<Process> process_of(const LetterText& text, const Parcel& order, const std::shared_ptr<Child>& child) {
  std::unique_ptr<Process> process;
  if (!text.process_class.empty()) {
    const ProcessClass* const known = find_class(text.process_class);
    if (known == nullptr) throw ProcessError("partage: class " + text.process_class + " is not known to the program");
    process = known->make(order);
  } else {
    process = std::make_unique<Process>();
    if (text.entry.size != 0) child->task = reinterpret_cast<Entry>(code_at(text.entry))(order);
  }
  ProcessAccess::set_child(*process, child);
  return process;
}

}  // namespace

Letter write_letter(const Child& child, const Process& process) {
  Letter letter;
  LetterText& text = letter.text;
  text.name = child.name;
  text.path = child.path;
  text.daemon = child.daemon;
  text.method = static_cast<std::int32_t>(child.method);
  text.default_method = static_cast<std::int32_t>(get_start_method());
  Parentage parent = parentage_here();
  text.parent_name = std::move(parent.name);
  text.parent_pid = parent.pid;
  if (parent.lifeline < 0) fail(child.name, EMFILE);
  letter.descriptors.push_back(duplicate(parent.lifeline, child.name));
  if (const SessionPtr tree = Sessions::process_tree_if_any()) {
    text.has_tree = true;
    letter.descriptors.push_back(duplicate(tree->segment().object().fd(), child.name));
  }

  if (typeid(process) != typeid(Process)) {
    const ProcessClass* const known = find_class(typeid(process));
    if (known == nullptr) {
      throw ProcessError("partage: process '" + child.name +
                         "': start: its class is not known to children that run the program anew; write "
                         "PARTAGE_PROCESS(TheClass); at namespace scope, or start it by fork");
    }
    text.process_class = known->name;
    letter.held = known->pack(process);
  } else if (child.task) {
    Order order = child.task->order();
    text.entry = std::move(order.entry);
    letter.held = std::move(order.arguments);
  }
  Shipment shipment = ship(letter.held);
  text.order = std::move(shipment.bytes);
  for (SharedDescriptor& descriptor : shipment.descriptors) letter.descriptors.push_back(std::move(descriptor));
  if (letter.descriptors.size() >= kernel::most_descriptors) {
    throw ProcessError("partage: process '" + child.name +
                       "': start: its arguments hold more Connections than can be sent; "
                       "send them through one of them");
  }
  return letter;
}

void send(const Letter& letter, int socket) {
  const codec::Scratch scratch;
  codec::encode(*scratch, letter.text);
  const kernel::OwnedDescriptor file = kernel::make_sealed_file({scratch->data(), scratch->size()});
  if (!file.valid()) fail(letter.text.name, errno);
  std::vector<int> fds{file.get()};
  for (const SharedDescriptor& descriptor : letter.descriptors) fds.push_back(descriptor->fd());
  std::uint64_t size = scratch->size();
  const iovec piece{&size, sizeof size};
  const int error = kernel::send_packet(socket, {&piece, 1}, fds);
  if (error != 0 && error != EPIPE && error != ECONNRESET)
    fail(letter.text.name, error);  // one that is gone: see the answer
}

std::string await_answer(int socket) {
  std::vector<std::byte> buffer(sizeof(std::uint32_t) + longest_answer);
  const kernel::Received received = kernel::receive_packet(socket, buffer);
  if (received.error != 0 || received.size < sizeof(std::uint32_t))
    return "it ended before partage::init() was reached; call init(argc, argv) first of all in main()";
  std::uint32_t kind = 0;
  std::memcpy(&kind, buffer.data(), sizeof kind);
  if (kind == answer_ready) return {};
  return {reinterpret_cast<const char*>(buffer.data()) + sizeof kind, received.size - sizeof kind};
}

void follow_letter(kernel::OwnedDescriptor socket) {
  std::unique_ptr<Process> process;
  try {
    std::uint64_t size = 0;
    kernel::Received received =
        kernel::receive_packet(socket.get(), std::as_writable_bytes(std::span<std::uint64_t>(&size, 1)));
    if (received.error != 0 || received.size != sizeof size) ::_exit(1);  // the parent has gone
    if (received.cut || received.descriptors.size() < 2)
      throw ProcessError("partage: no descriptors are to be had for what it is given (ulimit -n)");
    auto& descriptors = received.descriptors;
    LetterText text = read_text(descriptors[0], size);

    auto child = std::make_shared<Child>();
    child->name = text.name;
    child->path = text.path;
    child->creator = 0;  // another process
    child->daemon = text.daemon;
    child->method = static_cast<StartMethod>(text.method);
    set_start_method(static_cast<StartMethod>(text.default_method), true);
    become(child, {text.parent_name, text.parent_pid, descriptors[1].release()});

    std::size_t next = 2;
    if (text.has_tree) Sessions::join_process_tree(kernel::MemoryObject(descriptors.at(next++).release()));
    Shipment shipment{std::move(text.order), {}};
    for (; next < descriptors.size(); ++next)
      shipment.descriptors.push_back(std::make_shared<const Descriptor>(descriptors[next].release()));
    process = process_of(text, unship(std::move(shipment)), child);
  } catch (const std::exception& error) {
    answer(socket.get(), answer_failed, error.what());
    ::_exit(1);
  } catch (const Error& error) {
    answer(socket.get(), answer_failed, error.what());
    ::_exit(1);
  } catch (...) {
    answer(socket.get(), answer_failed, "an argument threw an exception that is no std::exception when it was read");
    ::_exit(1);
  }
  answer(socket.get(), answer_ready, {});
  socket.reset();
  run_child(*process);
}

}  // namespace partage::engine::process
