// Transit clients: they hold what is on its way as long as anybody, or any message, has their descriptor.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <partage/error.hpp>

#include "manager/registry/transit.hpp"
#include "tests/registry/fixture.hpp"
#include "tests/support/processes.hpp"

namespace partage::test {
using namespace std::chrono_literals;
using kernel::Clients;
using kernel::ClientState;
using kernel::OwnedDescriptor;
using kernel::Transit;

namespace {

struct Sockets {
  Sockets() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    a = OwnedDescriptor(ends[0]);
    b = OwnedDescriptor(ends[1]);
  }
  void send(int descriptor) const {
    char letter = 'x';
    const iovec piece{&letter, 1};
    REQUIRE(kernel::send_packet(a.get(), {&piece, 1}, {&descriptor, 1}) == 0);
  }
  OwnedDescriptor receive() const {
    std::byte letter{};
    kernel::Received received = kernel::receive_packet(b.get(), {&letter, 1});
    REQUIRE(received.descriptors.size() == 1);
    return std::move(received.descriptors[0]);
  }
  OwnedDescriptor a, b;
};

}  // namespace

TEST_CASE("a transit client lives as long as its descriptor, wherever that is") {
  RegistryFixture at;
  kernel::Segment& segment = at.segment();
  Clients clients(segment);
  const Sockets sockets;
  std::optional<Transit> transit(std::in_place, segment);
  const kernel::ClientId id = transit->id();
  CHECK(kernel::is_transit(segment, id));
  CHECK(clients.info(id.slot).state == ClientState::transit);
  CHECK(clients.count() == 2);
  CHECK(clients.count_processes() == 1);
  CHECK_FALSE(clients.is_orphan(clients.info(id.slot)));

  const ObjectRef list = at->new_list(), dict = at->new_dict();
  const ObjectRef objects[] = {list, dict, list};
  const ObjectRef parcel = kernel::load_parcel(segment, id, objects);
  at->release(list);
  at->release(dict);
  CHECK(at->count() == 3);
  CHECK(at->verify() == "");

  sockets.send(transit->fd());
  transit.reset();
  CHECK(kernel::reap_all_dead(segment) == 0);
  CHECK_FALSE(kernel::is_transit_over(segment, id));
  OwnedDescriptor received = sockets.receive();
  CHECK(kernel::reap_all_dead(segment) == 0);
  CHECK(at->registry().acquire(list));
  SUBCASE("unloaded by the receiver") {
    kernel::unload_parcel(segment, id, parcel);
    CHECK(at->count() == 1);
    received.reset();
    CHECK(kernel::is_transit_over(segment, id));
    CHECK(kernel::reap_all_dead(segment) == 1);
  }
  SUBCASE("thrown away") {
    received.reset();
    CHECK(at->count() == 3);
    CHECK(kernel::reap(segment, id));
    CHECK_FALSE(kernel::reap(segment, id));
  }
  CHECK(at->count() == 1);
  CHECK(clients.count() == 1);
  CHECK_FALSE(kernel::is_transit_over(segment, id));
  at->release(list);
  CHECK(at->verify() == "");
}

TEST_CASE("a message that nobody reads lets go of its objects when the socket is closed") {
  RegistryFixture at;
  Sockets sockets;
  {
    const Transit transit(at.segment());
    const ObjectRef list = at->new_list();
    kernel::load_parcel(at.segment(), transit.id(), {&list, 1});
    at->release(list);
    sockets.send(transit.fd());
  }
  CHECK(kernel::reap_all_dead(at.segment()) == 0);
  CHECK(at->count() == 2);
  sockets.b.reset();
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("the sender dies: what it has sent is held, what it has not is given back") {
  RegistryFixture at;
  Sockets sockets;
  const ChildResult sender = run_child(
      [&] {
        at.segment().client_slot = 0;
        kernel::join_segment(at.segment());
        const Transit sent(at.segment()), kept(at.segment());
        const ObjectRef list = at->new_list(), other = at->new_list();
        at->append(list, "from the dead");
        kernel::load_parcel(at.segment(), sent.id(), {&list, 1});
        kernel::load_parcel(at.segment(), kept.id(), {&other, 1});
        sockets.send(sent.fd());
        _exit(0);
      },
      10s);
  CHECK(sender.ok());
  CHECK(kernel::reap_all_dead(at.segment()) == 2);
  REQUIRE(at->count() == 2);
  sockets.receive();
  CHECK(kernel::reap_all_dead(at.segment()) == 1);
  CHECK(at->count() == 0);
  CHECK(at->verify() == "");
}

TEST_CASE("slots of transit clients are limited, and come back") {
  RegistryFixture at;
  const ObjectRef list = at->new_list();
  std::vector<Transit> all;
  std::string error;
  for (std::size_t i = 0; i <= kernel::client_slots && error.empty(); ++i) {
    try {
      all.emplace_back(at.segment());
    } catch (const ConnectionError& e) {
      error = static_cast<const Error&>(e).what();
    }
  }
  CHECK(all.size() == kernel::client_slots - 2);
  CHECK_MESSAGE(error.find("1 processes are attached") != std::string::npos, error);
  CHECK_MESSAGE(error.find("510 open connections have sent handles") != std::string::npos, error);
  kernel::load_parcel(at.segment(), all.back().id(), {&list, 1});
  all.clear();
  const Transit again(at.segment());
  CHECK(Clients(at.segment()).count() == 2);
  CHECK(at->count() == 1);
  CHECK(at->verify() == "");
}

TEST_CASE("what cannot be put into a parcel leaves nothing behind") {
  RegistryFixture at;
  const Transit transit(at.segment());
  const ObjectRef gone = at->new_list(), list = at->new_list();
  at->release(gone);
  const ObjectRef objects[] = {list, gone};
  CHECK_THROWS_AS(kernel::load_parcel(at.segment(), transit.id(), objects), ValueError);
  CHECK(at->count() == 1);
  CHECK(at->verify() == "");
}

}  // namespace partage::test
