// SIGINT and SIGTERM become an exception at the next place that looks, so that everything started is ended in order.
#pragma once

#include <stdexcept>

namespace bench {

struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

/// From now on; a second signal ends the program at once.
void catch_interrupts();
void throw_if_interrupted();

}  // namespace bench
