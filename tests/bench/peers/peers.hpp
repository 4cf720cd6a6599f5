// The peers, each made in the file of its name. What must be installed and is not, says so in missing().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/peer.hpp"

namespace bench {

using Peers = std::vector<std::unique_ptr<Peer>>;

void add_partage(Peers& peers);
void add_boost(Peers& peers);
void add_lmdb(Peers& peers);   // its file is built only with liblmdb
void add_redis(Peers& peers);  // its file is built only with hiredis
void add_std_locked(Peers& peers);
void add_primitives(Peers& peers);
void add_python(Peers& peers);

Peers all_peers();

}  // namespace bench
