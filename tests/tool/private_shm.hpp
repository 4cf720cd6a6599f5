// These tests run with a /dev/shm of their own where the system permits it (a mount namespace, entered before main):
// they list and clean everything that lies there, which must not be what other tests are just working with.
#pragma once

namespace partage::test {

/// False: /dev/shm is everybody's; then only what this process has named may be touched.
bool has_private_shm();

}  // namespace partage::test
