// The commands of the `partage` program, one function each. They print to stdout and throw Failure or an error of the
// library.
//
// `json`: one line of JSON instead of what is made for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "manager/segment/segment.hpp"
#include "manager/tool/snapshots.hpp"

namespace partage::tool {

/// `snapshots`: what it holds is kept in a file.
void serve(const std::string& name, const kernel::Segment::Size& size, const std::optional<SnapshotOptions>& snapshots);
void stop(const std::string& name);
void list_managers(bool json);
void list_objects(const std::string& name, bool json);
/// The groups of objects that keep each other.
void list_cycles(const std::string& name, bool json);
/// Who holds, who waits; Failure when some wait for each other for ever.
void locks(const std::string& name, bool json);
/// What is wrong with a manager, or with all; Failure when anything is. `long_wait`: in seconds, what is too long.
void doctor(const std::optional<std::string>& name, double long_wait, bool json);
/// `every`: again each so many seconds, `count` times, 0 = for ever; nullopt: once.
void stat(const std::string& name, std::optional<double> every, std::size_t count, bool json);
void top(const std::string& name);
void get(const std::string& name, const std::string& object, const std::optional<std::string>& key, bool json);
/// Without `key`: of a value.
void set(const std::string& name, const std::string& object, const std::optional<std::string>& key,
         const std::string& value);
void del(const std::string& name, const std::string& object, const std::optional<std::string>& key);
/// Failure (failed) when something is wrong, after it was printed. `quarantine`: what is damaged is taken out of use.
void check(const std::string& name, bool quarantine, bool json);
/// `names`: only those; empty: all there are.
void clean(const std::vector<std::string>& names, bool json);
/// `all`: also what no name leads to.
void dump(const std::string& name, bool all, bool json);
/// `file`: "-": stdin. `replace`: objects whose names are taken take their places.
void load(const std::string& name, const std::string& file, bool replace);
void version(bool json);

}  // namespace partage::tool
