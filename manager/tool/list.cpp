// ls: the managers of this machine, or the objects of one.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <partage/error.hpp>

#include "manager/registry/cycles.hpp"
#include "manager/registry/service.hpp"
#include "manager/schema/json_text.hpp"
#include "manager/schema/name_json.hpp"
#include "manager/tool/attachment.hpp"
#include "manager/tool/byte_size.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/published.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;

struct ManagerLine {
  std::string name;
  pid_t pid;  // 0: nobody
  std::string state;
  std::size_t processes, committed, max;
};

ManagerLine line_for(const std::string& name) {
  const auto segment = look_at_file(name);
  const Service service = service_of(*segment);
  const pid_t pid = service == Service::serving ? kernel::manager_pid(*segment) : 0;
  return {name,
          pid,
          word_for(service),
          kernel::Clients(*segment).count_processes(),
          static_cast<std::size_t>(segment->header().committed.load()),
          static_cast<std::size_t>(segment->header().max)};
}

std::vector<ManagerLine> all_managers() {
  std::vector<ManagerLine> lines;
  for (const std::string& name : published_names()) {
    try {
      lines.push_back(line_for(name));
    } catch (const Failure&) {  // it has gone since
    } catch (const Error& e) {
      std::cerr << "partage: /dev/shm/partage." << harmless(name)
                << " is left out: " << harmless(without_prefix(e.what())) << '\n';
    }
  }
  return lines;
}

}  // namespace

void list_managers(bool as_json) {
  const auto lines = all_managers();
  if (as_json) {
    json::array out;
    for (const ManagerLine& line : lines) {
      out.push_back(json::object{{"name", schema::name_json(line.name)},
                                 {"pid", line.pid == 0 ? json::value() : json::value(line.pid)},
                                 {"state", line.state},
                                 {"processes", line.processes},
                                 {"committed", line.committed},
                                 {"max", line.max}});
    }
    std::cout << schema::compact(out) << '\n';
    return;
  }
  using enum Table::Align;
  Table table({{"NAME"}, {"PID", right}, {"STATE"}, {"PROCESSES", right}, {"COMMITTED", right}, {"MAX", right}});
  for (const ManagerLine& line : lines) {
    table.add({line.name, line.pid == 0 ? "-" : std::to_string(line.pid), line.state, std::to_string(line.processes),
               size_text(line.committed), size_text(line.max)});
  }
  std::cout << table;
}

void list_objects(const std::string& name, bool as_json) {
  Attachment attachment(name);
  const auto objects = attachment.registry().objects();
  if (as_json) {
    json::array out;
    for (const ObjectInfo& o : objects) {
      out.push_back(json::object{{"id", o.id},
                                 {"name", schema::name_or_null(o.name)},
                                 {"kind", o.kind},
                                 {"types", harmless(o.types)},
                                 {"size", o.size},
                                 {"bytes", o.bytes},
                                 {"references", o.references},
                                 {"owner", o.owner_pid},
                                 {"waiters", o.waiters},
                                 {"quarantined", o.quarantined}});
    }
    std::cout << schema::compact(out) << '\n';
    return;
  }
  using enum Table::Align;
  Table table({{"ID"},
               {"NAME"},
               {"KIND"},
               {"TYPES"},
               {"SIZE", right},
               {"BYTES", right},
               {"REFERENCES", right},
               {"OWNER", right},
               {"WAITERS", right}});
  for (const ObjectInfo& o : objects) {
    if (o.quarantined) {  // nothing else is known of it
      table.add({'#' + std::to_string(o.id), o.name.empty() ? "-" : o.name, o.kind, "(quarantined)", "-", "-",
                 std::to_string(o.references), std::to_string(o.owner_pid), "-"});
      continue;
    }
    table.add({'#' + std::to_string(o.id), o.name.empty() ? "-" : o.name, o.kind, o.types, std::to_string(o.size),
               std::to_string(o.bytes), std::to_string(o.references), std::to_string(o.owner_pid),
               std::to_string(o.waiters)});
  }
  std::cout << table;
}

void list_cycles(const std::string& name, bool as_json) {
  Attachment attachment(name);
  json::array out;
  for (const auto& group : kernel::cycles(attachment.segment())) {
    json::array objects;
    std::string line;
    for (const ObjectRef ref : group) {
      const std::string called = attachment.registry().name(ref), types = attachment.registry().schema(ref);
      objects.push_back(json::object{{"id", ref}, {"name", schema::name_or_null(called)}, {"types", harmless(types)}});
      if (!line.empty()) line += ", ";
      line.append("#").append(std::to_string(ref));
      if (!called.empty()) line.append(" '").append(called).append("'");
      line.append(" ").append(types);
    }
    if (!as_json) std::cout << harmless(line) << '\n';
    out.push_back(std::move(objects));
  }
  if (as_json) std::cout << schema::compact(out) << '\n';
}

}  // namespace partage::tool
