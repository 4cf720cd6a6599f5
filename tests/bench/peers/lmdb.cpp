// LMDB in a file in memory: MDB_NOSYNC, MDB_WRITEMAP. A read renews the read transaction of its process, a write is a
// transaction of its own. Each process opens the environment by itself, as LMDB demands.
#include <lmdb.h>

#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "tests/bench/dict_case.hpp"
#include "tests/bench/peers/peers.hpp"
#include "tests/bench/temporary.hpp"

namespace bench {
namespace {

void check(int code, const char* what) {
  if (code != MDB_SUCCESS) throw std::runtime_error(std::string(what) + ": " + ::mdb_strerror(code));
}

class Environment {
 public:
  explicit Environment(const std::string& path) {
    check(::mdb_env_create(&env_), "mdb_env_create");
    ::mdb_env_set_mapsize(env_, std::size_t{8} << 30);
    check(::mdb_env_open(env_, path.c_str(), MDB_NOSYNC | MDB_WRITEMAP | MDB_NOSUBDIR | MDB_NOTLS, 0600),
          "mdb_env_open");
    MDB_txn* txn = begin();
    check(::mdb_dbi_open(txn, nullptr, 0, &dbi_), "mdb_dbi_open");
    check(::mdb_txn_commit(txn), "mdb_txn_commit");
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { ::mdb_env_close(env_); }

  MDB_txn* begin(unsigned flags = 0) {
    MDB_txn* txn = nullptr;
    check(::mdb_txn_begin(env_, nullptr, flags, &txn), "mdb_txn_begin");
    return txn;
  }
  MDB_dbi dbi() const { return dbi_; }

  /// Threads of one process must share it; two opens would break LMDB's locks.
  static std::shared_ptr<Environment> of_process(const std::string& path) {
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<Environment>> open;
    const std::scoped_lock lock(mutex);
    auto& known = open[path];
    std::shared_ptr<Environment> environment = known.lock();
    if (!environment) known = environment = std::make_shared<Environment>(path);
    return environment;
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
};

MDB_val bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
MDB_val bytes_of(const std::int64_t& number) {
  return {sizeof number, const_cast<std::int64_t*>(&number)};
}
void read(const MDB_val& bytes, std::string& out) {
  out.assign(static_cast<const char*>(bytes.mv_data), bytes.mv_size);
}
void read(const MDB_val& bytes, std::int64_t& out) {
  std::memcpy(&out, bytes.mv_data, sizeof out);
}

template <class V>
class LmdbDict {
 public:
  using Value = V;
  static constexpr Place place = Place::processes;
  static constexpr bool remote = false;
  static constexpr bool touches = true;

  explicit LmdbDict(const Workload&) {
    static int made = 0;
    path_ = temporary_directory() / ("lmdb-" + std::to_string(++made));
  }
  LmdbDict(const LmdbDict&) = delete;
  LmdbDict& operator=(const LmdbDict&) = delete;
  ~LmdbDict() { clear(); }

  /// The keys come in their order, so pages are filled one after the other.
  void fill(const Workload& workload) {
    Environment environment(path_);
    MDB_txn* txn = environment.begin();
    for (std::size_t i = 0; i < workload.entries; ++i) {
      const std::string key = key_text(i, workload.key_size);
      const V value = value_of<V>(i, workload);
      MDB_val k = bytes_of(key);
      MDB_val v = bytes_of(value);
      check(::mdb_put(txn, environment.dbi(), &k, &v, MDB_APPEND), "mdb_put");
    }
    check(::mdb_txn_commit(txn), "mdb_txn_commit");
  }
  void clear() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(path_.string() + "-lock", ignored);
  }

  class Session {
   public:
    explicit Session(const LmdbDict& store)
        : environment_(Environment::of_process(store.path_)), reader_(environment_->begin(MDB_RDONLY)) {
      ::mdb_txn_reset(reader_);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { ::mdb_txn_abort(reader_); }

    V get(std::string_view key) const {
      check(::mdb_txn_renew(reader_), "mdb_txn_renew");
      V out{};
      read_from(reader_, key, out);
      ::mdb_txn_reset(reader_);
      return out;
    }
    void set(std::string_view key, const V& value) const {
      MDB_txn* txn = environment_->begin();
      put_into(txn, key, value);
      check(::mdb_txn_commit(txn), "mdb_txn_commit");
    }
    void insert(std::string_view key, const V& value) const { set(key, value); }
    void add(std::string_view key) const requires(std::is_same_v<V, std::int64_t>) {
      MDB_txn* txn = environment_->begin();
      V value{};
      read_from(txn, key, value);
      put_into(txn, key, value + 1);
      check(::mdb_txn_commit(txn), "mdb_txn_commit");
    }

   private:
    void read_from(MDB_txn* txn, std::string_view key, V& out) const {
      MDB_val k = bytes_of(key);
      MDB_val v{};
      check(::mdb_get(txn, environment_->dbi(), &k, &v), "mdb_get");
      read(v, out);
    }
    void put_into(MDB_txn* txn, std::string_view key, const V& value) const {
      MDB_val k = bytes_of(key);
      MDB_val v = bytes_of(value);
      check(::mdb_put(txn, environment_->dbi(), &k, &v, 0), "mdb_put");
    }

    std::shared_ptr<Environment> environment_;
    MDB_txn* reader_;
  };

 private:
  std::filesystem::path path_;
};

class Lmdb final : public Peer {
 public:
  std::string_view name() const override { return "LMDB"; }
  bool offers(const Workload& workload) const override { return is_dict_operation(workload.operation); }
  std::unique_ptr<Case> open(const Workload& workload) override {
    // Readers keep old pages from being used again; what that does to the file is no matter of the other rows.
    const bool readers_and_writers = workload.operation == Operation::dict_mixed;
    return open_dict<LmdbDict>(readers_and_writers ? mixed_ : stores_, workload);
  }

 private:
  StoreCache stores_, mixed_;
};

}  // namespace

void add_lmdb(Peers& peers) {
  peers.push_back(std::make_unique<Lmdb>());
}

}  // namespace bench
