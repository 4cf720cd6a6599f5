#include "tests/bench/peers/peers.hpp"

namespace bench {
namespace {

/// A peer whose library was not there when this program was built.
class AbsentPeer final : public Peer {
 public:
  AbsentPeer(std::string_view name, std::string_view reason) : name_(name), reason_(reason) {}
  std::string_view name() const override { return name_; }
  std::string missing() override { return std::string(reason_); }
  bool offers(const Workload&) const override { return false; }
  std::unique_ptr<Case> open(const Workload&) override { return nullptr; }

 private:
  std::string_view name_, reason_;
};

[[maybe_unused]] void add_absent(Peers& peers, std::string_view name, std::string_view reason) {
  peers.push_back(std::make_unique<AbsentPeer>(name, reason));
}

}  // namespace

Peers all_peers() {
  Peers peers;
  add_partage(peers);
  add_boost(peers);
#ifdef PARTAGE_BENCH_LMDB
  add_lmdb(peers);
#else
  add_absent(peers, "LMDB", "built without liblmdb");
#endif
#ifdef PARTAGE_BENCH_REDIS
  add_redis(peers);
#else
  add_absent(peers, "Redis", "built without hiredis");
#endif
  add_std_locked(peers);
  add_primitives(peers);
  add_python(peers);
  return peers;
}

}  // namespace bench
