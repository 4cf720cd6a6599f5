// stat: how much is done with the objects of a manager, and what they take, again and again.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <thread>

#include "manager/registry/service.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/byte_size.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/rates.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;

constexpr double without_every = 1;  // seconds that are looked at then

json::object as_json(const Rates& r) {
  json::array objects;
  for (const ObjectRates& o : r.objects) {
    objects.push_back(json::object{{"id", o.ref},
                                   {"name", schema::name_or_null(o.name)},
                                   {"kind", o.kind},
                                   {"changes", o.changes},
                                   {"reads", o.reads},
                                   {"busy", o.busy},
                                   {"sleeps", o.sleeps},
                                   {"size", o.elements},
                                   {"bytes", o.bytes},
                                   {"waiters", o.waiters}});
  }
  return {{"seconds", r.seconds},
          {"changes", r.changes},
          {"reads", r.reads},
          {"busy", r.busy},
          {"sleeps", r.sleeps},
          {"repairs", r.repairs},
          {"used", r.used},
          {"growth", r.growth},
          {"committed", r.committed},
          {"max", r.max},
          {"processes", r.processes.size()},
          {"objects", std::move(objects)}};
}

std::string growth_text(double bytes) {
  const auto whole = static_cast<std::size_t>(bytes < 0 ? -bytes : bytes);
  return whole == 0 ? "not growing" : (bytes < 0 ? "shrinking by " : "growing by ") + size_text(whole) + "/s";
}

void print(const Rates& r) {
  std::cout << "per second: " << rate_text(r.changes) << " changes, about " << rate_text(r.reads) << " reads, "
            << rate_text(r.busy) << " times a lock was busy, " << rate_text(r.sleeps) << " sleeps; " << r.repairs
            << (r.repairs == 1 ? " repair" : " repairs") << " since the start\n"
            << size_text(r.used) << " in use, " << growth_text(r.growth) << ", " << size_text(r.committed)
            << " from the system, at most " << size_text(r.max) << "; " << r.processes.size()
            << (r.processes.size() == 1 ? " process\n" : " processes\n");
  using enum Table::Align;
  Table table({{"ID"},
               {"NAME"},
               {"KIND"},
               {"CHANGES/S", right},
               {"READS/S", right},
               {"BUSY/S", right},
               {"SLEEPS/S", right},
               {"WAITING", right},
               {"SIZE", right},
               {"BYTES", right}});
  for (const ObjectRates& o : r.objects) {
    table.add({'#' + std::to_string(o.ref), o.name.empty() ? "-" : o.name, o.kind, rate_text(o.changes),
               rate_text(o.reads), rate_text(o.busy), rate_text(o.sleeps), std::to_string(o.waiters),
               std::to_string(o.elements), size_text(o.bytes)});
  }
  std::cout << table;
}

}  // namespace

void stat(const std::string& given, std::optional<double> every, std::size_t count, bool as_line) {
  const std::string name = name_in(given);
  const auto segment = look_at_live(name);
  const auto pause = std::chrono::duration_cast<kernel::Clock::duration>(
      std::chrono::duration<double>(std::max(every.value_or(without_every), 0.01)));
  if (!every) count = 1;
  Watch before = watch(*segment);
  auto next = before.at;
  for (std::size_t shown = 0; count == 0 || shown < count; ++shown) {
    next += pause;
    // Time in which it was stopped is not made up for.
    if (const auto now = kernel::Clock::now(); next <= now) next = now + pause;
    std::this_thread::sleep_until(next);
    Watch now = watch(*segment);
    if (!segment->live())
      throw Failure{Exit::not_found, "partage: the manager '" + name + "' has ended; its objects are gone"};
    const Rates r = rates(before, now);
    if (as_line) {
      std::cout << schema::compact(as_json(r)) << '\n';
    } else {
      if (shown != 0) std::cout << '\n';
      print(r);
    }
    if (!std::cout.flush()) return;  // whoever read it has had enough; main() says so
    before = std::move(now);
  }
}

}  // namespace partage::tool
