// Messages between two processes, written once for all peers. A channel carries one way:
//
//   explicit Channel(workload, ...)           in the parent
//   using Message                             std::int64_t or std::string
//   void put(message)  Message get()          in the workers; both wait
//   static constexpr std::uint64_t messages   of a one-way window, about 0.1 s
#pragma once

#include <memory>

#include "tests/bench/harness.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/peer.hpp"
#include "tests/bench/store.hpp"

namespace bench {

/// A fixed number of messages: wall time until the last has been got.
template <class Channel>
class OneWayCase final : public Case {
 public:
  OneWayCase(std::shared_ptr<Channel> channel, const Workload& workload)
      : channel_(std::move(channel)), workload_(workload) {}

  double measure(const Crew&, std::chrono::nanoseconds window) override {
    const auto messages = Channel::messages * static_cast<std::uint64_t>(window.count()) / 100'000'000 + 1;
    const auto prepare = [&](int worker) -> Body {
      if (worker == 0) {
        return [&, message = value_of<typename Channel::Message>(1, workload_)](const std::atomic<bool>&) {
          for (std::uint64_t i = 0; i < messages; ++i) channel_->put(message);
          return std::uint64_t{0};
        };
      }
      return [&](const std::atomic<bool>&) {
        for (std::uint64_t i = 0; i < messages; ++i) keep(channel_->get());
        return messages;
      };
    };
    return nanoseconds_per_operation(work_together({2, 1}, Place::processes, std::nullopt, prepare));
  }

 private:
  std::shared_ptr<Channel> channel_;
  Workload workload_;
};

/// One process asks, the other answers, each waiting for the other.
template <class Channel>
class PingPongCase final : public Case {
 public:
  PingPongCase(std::shared_ptr<Channel> there, std::shared_ptr<Channel> back)
      : there_(std::move(there)), back_(std::move(back)) {}

  double measure(const Crew&, std::chrono::nanoseconds window) override {
    return nanoseconds_per_operation(play(window, nullptr));
  }
  std::optional<Latency> latency(const Crew&, std::chrono::nanoseconds window) override {
    const SharedObject<Histogram> histogram;
    play(window, &*histogram);
    return histogram->latency();
  }

 private:
  using Message = typename Channel::Message;

  /// With a histogram, each round trip is timed.
  std::vector<Turn> play(std::chrono::nanoseconds window, Histogram* histogram) {
    const auto prepare = [&](int worker) -> Body {
      if (worker != 0) return [&](const std::atomic<bool>&) { return answer(); };
      return [&, histogram](const std::atomic<bool>& stop) { return ask(stop, histogram); };
    };
    return work_together({2, 1}, Place::processes, window, prepare);
  }

  std::uint64_t ask(const std::atomic<bool>& stop, Histogram* histogram) {
    std::uint64_t done = 0;
    do {
      const auto before = histogram != nullptr ? Clock::now() : Clock::time_point();
      there_->put(Message{1});
      keep(back_->get());
      if (histogram != nullptr) histogram->add(static_cast<std::uint64_t>((Clock::now() - before).count()));
      ++done;
    } while (!stop.load(std::memory_order_relaxed));
    there_->put(Message{0});
    return done;
  }
  std::uint64_t answer() {
    for (Message message = there_->get(); message != Message{0}; message = there_->get()) back_->put(message);
    return 0;
  }

  std::shared_ptr<Channel> there_, back_;
};

template <template <class> class Channel, class... Args>
std::unique_ptr<Case> open_queue(const Workload& workload, const Args&... args) {
  const auto make = [&]<class Message>(Message) { return std::make_shared<Channel<Message>>(workload, args...); };
  if (workload.operation == Operation::queue_ping_pong) {
    return std::make_unique<PingPongCase<Channel<std::int64_t>>>(make(std::int64_t{}), make(std::int64_t{}));
  }
  const auto one_way = [&]<class Message>(Message message) -> std::unique_ptr<Case> {
    return std::make_unique<OneWayCase<Channel<Message>>>(make(message), workload);
  };
  return workload.numbers() ? one_way(std::int64_t{}) : one_way(std::string{});
}

}  // namespace bench
