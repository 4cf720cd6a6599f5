#include "manager/registry/verify.hpp"

#include <algorithm>

#include "manager/registry/inspection.hpp"

namespace partage::kernel {

std::string verify_segment(Segment& segment) {
  const auto findings = Inspection(segment, Inspection::Way::at_rest).run();
  const auto first =
      std::ranges::find_if(findings, [](const Finding& f) { return f.verdict != Finding::Verdict::quarantined; });
  return first == findings.end() ? "" : first->sentence;
}

}  // namespace partage::kernel
