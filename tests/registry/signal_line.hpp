// A pipe between processes of a test: "I am that far".
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <stdexcept>

namespace partage::test {

class SignalLine {
 public:
  SignalLine() { REQUIRE(pipe(ends_) == 0); }
  SignalLine(const SignalLine&) = delete;
  SignalLine& operator=(const SignalLine&) = delete;
  ~SignalLine() {
    close(ends_[0]);
    close(ends_[1]);
  }
  template <class T>
  void send(const T& value) const {
    if (write(ends_[1], &value, sizeof value) != sizeof value) _exit(77);
  }
  template <class T>
  T receive() const {
    T value{};
    pollfd entry{ends_[0], POLLIN, 0};
    if (poll(&entry, 1, 20'000) != 1 || read(ends_[0], &value, sizeof value) != sizeof value) {
      throw std::runtime_error("the other process has said nothing for 20 s");
    }
    return value;
  }

 private:
  int ends_[2];
};

}  // namespace partage::test
