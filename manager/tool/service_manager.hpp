// Tells the service manager (systemd) how far we are, if it asks to be told: the protocol of sd_notify(3), without the
// library.
//
// It asks by $NOTIFY_SOCKET, the address of a Unix datagram socket: a path, or with '@' in front an abstract name.
// Errors: none; who is not heard goes on all the same.
#pragma once

#include <string_view>

namespace partage::tool {

/// "READY=1", "STOPPING=1"; several words one a line. False: nobody asks, or it could not be sent.
bool tell_service_manager(std::string_view words) noexcept;

}  // namespace partage::tool
