#include <partage/engine/printing.hpp>

#include <algorithm>
#include <vector>

namespace partage::engine {

namespace {
thread_local std::vector<const LocalObject*> being_printed;
}

Printing::Printing(const ObjectPtr& object)
    : already_(std::find(being_printed.begin(), being_printed.end(), object.get()) != being_printed.end()) {
  being_printed.push_back(object.get());
}

Printing::~Printing() { being_printed.pop_back(); }

}  // namespace partage::engine
