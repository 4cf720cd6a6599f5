#include "manager/registry/cycles.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <map>

#include "manager/registry/collect.hpp"
#include "manager/registry/control_table.hpp"
#include "manager/registry/hosted.hpp"
#include "manager/registry/quarantine.hpp"
#include "manager/registry/slot_scan.hpp"

namespace partage::kernel {
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;

/// Every object with what it refers to. What damaged ones refer to is not known.
std::map<ObjectRef, std::vector<ObjectRef>> all_references(Segment& segment) {
  std::map<ObjectRef, std::vector<ObjectRef>> all;
  for (std::size_t s = 0; s < ObjectTable::stripe_count; ++s) {
    {
      const ActivityGuard guard(segment, control_table(segment).collector[s], "taking objects apart");
      for (const ScannedSlot& slot : scan_slots(segment, s)) {
        if (slot.word.state != SlotState::live || (slot.word.flags & object_flag::internal) != 0) continue;
        const Hosted object(segment, slot.word.kind, slot.word.flags, slot.body);
        std::vector<ObjectRef>& references = all[slot.ref];
        if (!is_quarantined(segment, slot.ref) && object.problem().empty()) references = object.references();
      }
    }
    sweep_stripe(segment, s);  // those who found the lock taken relied on its holder
  }
  return all;
}

}  // namespace

std::vector<std::vector<ObjectRef>> cycles(Segment& segment) {
  const auto references = all_references(segment);
  std::vector<ObjectRef> objects;
  std::map<ObjectRef, std::size_t> number;
  for (const auto& [ref, to] : references) {
    number[ref] = objects.size();
    objects.push_back(ref);
  }
  Graph graph(objects.size());
  std::vector<bool> in_itself(objects.size());
  for (const auto& [ref, to] : references) {
    for (const ObjectRef other : to) {
      const auto found = number.find(other);
      if (found == number.end()) continue;  // made or gone meanwhile
      boost::add_edge(number[ref], found->second, graph);
      if (other == ref) in_itself[number[ref]] = true;
    }
  }
  std::vector<std::size_t> component(objects.size());
  const std::size_t count = objects.empty() ? 0 : boost::strong_components(graph, component.data());
  std::vector<std::vector<ObjectRef>> groups(count);
  for (std::size_t i = 0; i < objects.size(); ++i) groups[component[i]].push_back(objects[i]);
  std::erase_if(groups, [&](const auto& group) { return group.size() == 1 && !in_itself[number[group[0]]]; });
  std::ranges::sort(groups);
  return groups;
}

}  // namespace partage::kernel
