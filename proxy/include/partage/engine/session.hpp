// A session: this process attached to one segment. Opaque here; what it holds is in proxy/engine/session.hpp.
//
// Thread safety: the pointer as std::shared_ptr; what is behind it is used through the functions of this layer only.
#pragma once

#include <memory>

namespace partage::engine {

class Session;
using SessionPtr = std::shared_ptr<Session>;

}  // namespace partage::engine
