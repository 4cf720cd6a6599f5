// CPython's Manager and multiprocessing, measured by peers.py in its own loops: this file only asks. One line of JSON
// each way:
//
//   {"do": "open", "id": 1, "peer": "mp.Queue", "operation": "queue one-way", "entries": 100000, "key_size": 16,
//    "value_size": 8}                                          -> {}
//   {"do": "measure", "id": 1, "processes": 2, "window": 0.1}      -> {"value": 4812.0}
//   {"do": "latency", "id": 1, "processes": 2, "window": 0.02}     -> {"p50": ..., "p99": ..., "p999": ...} or {}
//   {"do": "close", "id": 1}                                       -> {}
//
// and {"error": "..."} for what went wrong.
#include <boost/json.hpp>
#include <memory>
#include <stdexcept>

#include "tests/bench/peers/peers.hpp"
#include "tests/bench/subprocess.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

class Script {
 public:
  explicit Script(const std::string& python)
      : process_({python, "-u", PARTAGE_BENCH_PEERS_PY}, Subprocess::Output::lines) {}

  json::object ask(const json::object& request) {
    process_.write_line(json::serialize(request));
    json::object answer = json::parse(process_.read_line(60s)).as_object();
    if (const auto* error = answer.if_contains("error")) throw std::runtime_error(error->as_string().c_str());
    return answer;
  }

 private:
  Subprocess process_;
};
using ScriptPtr = std::shared_ptr<Script>;

class PythonCase final : public Case {
 public:
  PythonCase(ScriptPtr script, std::string_view peer, const Workload& workload) : script_(std::move(script)) {
    static int made = 0;
    id_ = ++made;
    script_->ask({{"do", "open"},
                  {"id", id_},
                  {"peer", peer},
                  {"operation", info(workload.operation).name},
                  {"entries", workload.entries},
                  {"key_size", workload.key_size},
                  {"value_size", workload.value_size}});
  }
  PythonCase(const PythonCase&) = delete;
  PythonCase& operator=(const PythonCase&) = delete;
  ~PythonCase() override {
    try {
      script_->ask({{"do", "close"}, {"id", id_}});
    } catch (const std::exception&) {
      // it ended, and everything with it
    }
  }

  double measure(const Crew& crew, std::chrono::nanoseconds window) override {
    return ask("measure", crew, window).at("value").to_number<double>();
  }
  std::optional<Latency> latency(const Crew& crew, std::chrono::nanoseconds window) override {
    const json::object answer = ask("latency", crew, window);
    if (!answer.contains("p50")) return std::nullopt;
    const auto number = [&](const char* name) { return answer.at(name).to_number<double>(); };
    return Latency{number("p50"), number("p99"), number("p999")};
  }

 private:
  json::object ask(const char* what, const Crew& crew, std::chrono::nanoseconds window) {
    return script_->ask({{"do", what},
                         {"id", id_},
                         {"processes", crew.workers()},
                         {"window", std::chrono::duration<double>(window).count()}});
  }

  ScriptPtr script_;
  int id_ = 0;
};

/// What the peers below share.
struct Python {
  std::optional<std::string> program = program_in_path("python3");
  ScriptPtr script;

  const ScriptPtr& running() {
    if (!script) script = std::make_shared<Script>(program.value());
    return script;
  }
};

class PythonPeer final : public Peer {
 public:
  using Offers = bool (*)(const Workload&);
  PythonPeer(std::shared_ptr<Python> python, std::string_view name, Offers test)
      : python_(std::move(python)), name_(name), offers_(test) {}
  std::string_view name() const override { return name_; }
  std::string missing() override { return python_->program ? "" : "python3 is not installed"; }
  bool offers(const Workload& workload) const override { return offers_(workload); }
  std::unique_ptr<Case> open(const Workload& workload) override {
    return std::make_unique<PythonCase>(python_->running(), name_, workload);
  }

 private:
  std::shared_ptr<Python> python_;
  std::string_view name_;
  Offers offers_;
};

}  // namespace

void add_python(Peers& peers) {
  const auto python = std::make_shared<Python>();
  const auto add = [&](std::string_view name, PythonPeer::Offers offers) {
    peers.push_back(std::make_unique<PythonPeer>(python, name, offers));
  };
  using enum Operation;
  add("Python Manager", [](const Workload& w) {
    return w.operation != process_start && w.operation != pool_map_one && w.operation != pool_map &&
           w.operation != dict_memory;
  });
  add("mp.Process", [](const Workload& w) { return w.operation == process_start; });
  add("mp.Pool", [](const Workload& w) { return w.operation == pool_map_one || w.operation == pool_map; });
  add("mp.Value", [](const Workload& w) { return w.operation == value_add; });
  add("mp.Array", [](const Workload& w) {
    return w.operation == list_get || w.operation == list_set || w.operation == list_snapshot;
  });
  add("mp.Queue", [](const Workload& w) { return w.operation == queue_one_way || w.operation == queue_ping_pong; });
  add("mp.Pipe", [](const Workload& w) { return w.operation == queue_one_way || w.operation == queue_ping_pong; });
  add("CPython dict", [](const Workload& w) { return w.operation == dict_memory; });
}

}  // namespace bench
