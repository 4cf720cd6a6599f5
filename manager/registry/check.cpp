#include "manager/registry/check.hpp"

#include <algorithm>
#include <chrono>
#include <partage/error.hpp>
#include <thread>

#include "manager/registry/quarantine.hpp"

namespace partage::kernel {
namespace {

using Verdict = Finding::Verdict;

constexpr int passes = 5;
constexpr std::chrono::milliseconds between{20};

/// Adds what it did to the sentence. True: it is out of use from now on.
bool take_out_of_use(Segment& segment, Finding& finding) {
  const auto say = [&](const char* words) { finding.sentence += words; };
  try {
    if (finding.heap) {
      segment.runs().condemn();
      say("; nothing is taken from it or given back to it any more");
      return true;
    }
    if (finding.object == 0) return false;
    if (quarantine(segment, finding.object)) {
      say("; quarantined");
      return true;
    }
    say("; quarantined, but for a lock that a living process holds");
  } catch (const Error& e) {
    say("; it could not be quarantined: ");
    say(e.what());
  }
  return false;
}

/// Whoever began it may have died, or met a lock that was held.
void finish_quarantine(Segment& segment, Finding& finding) {
  if (finding.object == 0) return;
  try {
    if (!quarantine(segment, finding.object)) finding.sentence += ", but for a lock that a living process holds";
  } catch (const Error& e) {
    finding.sentence += std::string("; its locks are not: ") + e.what();
  }
}

}  // namespace

CheckReport check_segment(Segment& segment, Damaged damaged) {
  CheckReport report;
  Inspection inspection(segment, Inspection::Way::live);
  for (int pass = 0; pass < passes; ++pass) {
    if (pass != 0) std::this_thread::sleep_for(between);
    bool look_again = false;
    for (Finding& found : inspection.run()) {
      const auto same = [&](const Finding& f) {
        return f.object == found.object && (f.object != 0 || f.heap == found.heap);
      };
      if ((found.object != 0 || found.heap) && std::ranges::any_of(report.findings, same)) continue;
      if (found.verdict == Verdict::damaged && damaged == Damaged::quarantine) {
        look_again = take_out_of_use(segment, found) || look_again;
      } else if (found.verdict == Verdict::quarantined && damaged == Damaged::quarantine) {
        finish_quarantine(segment, found);
      }
      const auto said = [&](const Finding& f) { return f.object == found.object && f.sentence == found.sentence; };
      if (std::ranges::none_of(report.findings, said)) report.findings.push_back(std::move(found));
    }
    report.objects = inspection.objects();
    report.judged_all = inspection.judged_all();
    const bool in_motion = !report.judged_all && std::ranges::all_of(report.findings, [](const Finding& f) {
      return f.verdict == Verdict::quarantined;
    });
    if (!look_again && !in_motion) break;
  }
  return report;
}

}  // namespace partage::kernel
