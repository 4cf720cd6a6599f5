// Redis over a Unix socket: a private server without persistence, started by this program, one connection for each
// worker. A dict is a hash (HGET, HSET, HINCRBY), a list is a list; numbers are texts, as Redis has them.
#include <hiredis/hiredis.h>

#include <charconv>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/bench/dict_case.hpp"
#include "tests/bench/list_case.hpp"
#include "tests/bench/peers/peers.hpp"
#include "tests/bench/subprocess.hpp"
#include "tests/bench/temporary.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;

struct FreeReply {
  void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class Connection {
 public:
  explicit Connection(const std::string& socket) : context_(::redisConnectUnix(socket.c_str())) {
    if (context_ == nullptr || context_->err != 0) {
      ::redisFree(context_);
      throw std::runtime_error("no connection to redis-server");
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::redisFree(context_); }

  Reply call(std::initializer_list<std::string_view> words) {
    send(words);
    return receive();
  }
  /// Pipelined: the answers are received later.
  void send(std::initializer_list<std::string_view> words) {
    const char* texts[8];
    std::size_t lengths[8];
    int count = 0;
    for (const std::string_view word : words) {
      texts[count] = word.data();
      lengths[count++] = word.size();
    }
    ::redisAppendCommandArgv(context_, count, texts, lengths);
  }
  Reply receive() {
    void* reply = nullptr;
    if (::redisGetReply(context_, &reply) != REDIS_OK) throw std::runtime_error(context_->errstr);
    Reply owned(static_cast<redisReply*>(reply));
    if (owned->type == REDIS_REPLY_ERROR) throw std::runtime_error(owned->str);
    return owned;
  }

 private:
  redisContext* context_;
};

class Server {
 public:
  explicit Server(const std::string& program)
      : socket_(temporary_directory() / "redis.sock"),
        process_({program, "--port", "0", "--unixsocket", socket_, "--save", "", "--appendonly", "no", "--dir",
                  temporary_directory()},
                 Subprocess::Output::none) {
    for (const auto end = Clock::now() + 5s;; std::this_thread::sleep_for(2ms)) {
      try {
        Connection(socket_).call({"PING"});
        return;
      } catch (const std::runtime_error&) {
        if (Clock::now() > end || !process_.is_running()) throw;
      }
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    try {
      Connection(socket_).call({"SHUTDOWN", "NOSAVE"});
    } catch (const std::runtime_error&) {
      // it hangs up instead of an answer
    }
  }
  const std::string& socket() const { return socket_; }

 private:
  std::string socket_;
  Subprocess process_;
};
using ServerPtr = std::shared_ptr<Server>;

/// As text, without a heap allocation.
class Text {
 public:
  explicit Text(std::int64_t number) : size_(std::to_chars(text_, text_ + sizeof text_, number).ptr - text_) {}
  operator std::string_view() const { return {text_, static_cast<std::size_t>(size_)}; }

 private:
  char text_[24];
  std::ptrdiff_t size_;
};

template <class V>
V value_in(const Reply& reply) {
  const std::string_view text(reply->str, reply->type == REDIS_REPLY_STRING ? reply->len : 0);
  if constexpr (std::is_same_v<V, std::string>) {
    return V(text);
  } else {
    V value{};
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      throw std::runtime_error("redis: no number");
    return value;
  }
}
std::string_view text_of(const std::string& value) {
  return value;
}
Text text_of(std::int64_t value) {
  return Text(value);
}

/// The name of a hash or list of its own, gone with it.
class Key {
 public:
  explicit Key(ServerPtr server) : server_(std::move(server)) {
    static int made = 0;
    name_ = "bench:" + std::to_string(++made);
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() {
    try {
      clear();
    } catch (const std::runtime_error&) {
      // the server has gone, and all of its keys
    }
  }
  void clear() const { Connection(server_->socket()).call({"UNLINK", name_}); }
  const std::string& name() const { return name_; }
  const std::string& socket() const { return server_->socket(); }

  /// Sends what `command(i, connection)` sends for each i, some hundred at a time.
  template <class Command>
  void fill(std::size_t entries, const Command& command) const {
    Connection connection(socket());
    for (std::size_t i = 0; i < entries;) {
      const std::size_t first = i;
      for (; i < entries && i < first + 200; ++i) command(i, connection);
      for (std::size_t k = first; k < i; ++k) connection.receive();
    }
  }

 private:
  ServerPtr server_;
  std::string name_;
};

template <class V>
class RedisDict {
 public:
  using Value = V;
  static constexpr Place place = Place::processes;
  static constexpr bool remote = true;
  static constexpr bool touches = false;

  RedisDict(const Workload&, ServerPtr server) : key_(std::move(server)) {}
  void fill(const Workload& workload) {
    key_.fill(workload.entries, [&](std::size_t i, Connection& connection) {
      connection.send({"HSET", key_.name(), key_text(i, workload.key_size), text_of(value_of<V>(i, workload))});
    });
  }
  void clear() { key_.clear(); }

  class Session {
   public:
    explicit Session(const RedisDict& store) : connection_(store.key_.socket()), name_(store.key_.name()) {}
    V get(std::string_view key) { return value_in<V>(connection_.call({"HGET", name_, key})); }
    void set(std::string_view key, const V& value) { connection_.call({"HSET", name_, key, text_of(value)}); }
    void insert(std::string_view key, const V& value) { set(key, value); }
    void add(std::string_view key) requires(std::is_same_v<V, std::int64_t>) {
      connection_.call({"HINCRBY", name_, key, "1"});
    }

   private:
    Connection connection_;
    std::string name_;
  };

 private:
  Key key_;
};

class RedisList {
 public:
  static constexpr Place place = Place::processes;
  static constexpr bool remote = true;
  static constexpr bool slow_front = false;

  RedisList(const Workload&, ServerPtr server) : key_(std::move(server)) {}
  void fill(const Workload& workload) {
    key_.fill(workload.entries, [&](std::size_t i, Connection& connection) {
      connection.send({"RPUSH", key_.name(), Text(static_cast<std::int64_t>(i))});
    });
  }
  void clear() { key_.clear(); }

  class Session {
   public:
    explicit Session(const RedisList& store) : connection_(store.key_.socket()), name_(store.key_.name()) {}
    std::int64_t get(std::ptrdiff_t i) { return value_in<std::int64_t>(connection_.call({"LINDEX", name_, Text(i)})); }
    void set(std::ptrdiff_t i, std::int64_t x) { connection_.call({"LSET", name_, Text(i), Text(x)}); }
    void append(std::int64_t x) { connection_.call({"RPUSH", name_, Text(x)}); }
    std::int64_t pop_front() { return value_in<std::int64_t>(connection_.call({"LPOP", name_})); }

   private:
    Connection connection_;
    std::string name_;
  };

 private:
  Key key_;
};

class Redis final : public Peer {
 public:
  std::string_view name() const override { return "Redis"; }
  std::string missing() override {
    program_ = program_in_path("redis-server");
    return program_ ? "" : "redis-server is not installed";
  }
  bool offers(const Workload& workload) const override {
    return is_dict_operation(workload.operation) ||
           (is_list_operation(workload.operation) && workload.operation != Operation::list_snapshot);
  }
  std::unique_ptr<Case> open(const Workload& workload) override {
    if (!server_) server_ = std::make_shared<Server>(program_.value());
    if (is_list_operation(workload.operation)) return open_list<RedisList>(stores_, workload, server_);
    return open_dict<RedisDict>(stores_, workload, server_);
  }

 private:
  std::optional<std::string> program_;
  ServerPtr server_;
  StoreCache stores_;
};

}  // namespace

void add_redis(Peers& peers) {
  peers.push_back(std::make_unique<Redis>());
}

}  // namespace bench
