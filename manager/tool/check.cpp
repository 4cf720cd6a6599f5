// check: whether everything in a segment is whole, while others work in it.
#include "manager/registry/check.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>

#include "manager/schema/json_text.hpp"
#include "manager/tool/attachment.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/shell_word.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {
namespace {

namespace json = boost::json;
using kernel::Finding;

const char* word_for(Finding::Verdict verdict) {
  switch (verdict) {
    case Finding::Verdict::damaged:
      return "damaged";
    case Finding::Verdict::quarantined:
      return "quarantined";
    case Finding::Verdict::unchecked:
      return "unchecked";
  }
  return "";
}

/// "dict 'stock'", "list #4294967297", "the heap".
std::string subject_of(Attachment& attachment, const Finding& finding) {
  if (finding.heap) return "the heap";
  if (finding.object == 0) return "the segment";
  const auto facts = attachment.registry().facts(finding.object);
  if (!facts) return '#' + std::to_string(finding.object);
  const std::string name = attachment.registry().sound_name(finding.object);
  return std::string(kernel::name_of(facts->kind)) + ' ' +
         (name.empty() ? '#' + std::to_string(finding.object) : '\'' + name + '\'');
}

}  // namespace

void check(const std::string& name, bool quarantine, bool as_json) {
  Attachment attachment(name);
  const kernel::CheckReport report =
      kernel::check_segment(attachment.segment(), quarantine ? kernel::Damaged::quarantine : kernel::Damaged::leave);
  json::array findings;
  for (const Finding& finding : report.findings) {
    const std::string subject = subject_of(attachment, finding);
    if (as_json) {
      findings.push_back(json::object{{"subject", harmless(subject)},
                                      {"id", finding.object == 0 ? json::value() : json::value(finding.object)},
                                      {"verdict", word_for(finding.verdict)},
                                      {"problem", harmless(finding.sentence)}});
    } else {
      std::cout << harmless(subject) << ": " << word_for(finding.verdict) << ": " << harmless(finding.sentence) << '\n';
    }
  }
  const std::size_t n = report.objects;
  if (as_json) {
    std::cout << schema::compact(json::object{{"whole", report.whole()},
                                              {"objects", n},
                                              {"judged_all", report.judged_all},
                                              {"findings", std::move(findings)}})
              << '\n';
  } else if (report.whole()) {
    std::cout << "manager '" << harmless(name) << "' is whole: the heap, the tables, " << n
              << (n == 1 ? " object" : " objects")
              << (report.judged_all ? ""
                                    : "; counts of references and owners of memory kept changing and were not judged")
              << '\n';
  }
  if (!report.whole()) {
    throw Failure{Exit::failed, "partage: manager '" + name + "' is not whole; " +
                                    (quarantine ? "what is not quarantined goes on"
                                                : "`partage check --quarantine " + shell_word(name) +
                                                      "` takes damaged objects out of use and lets the others go on")};
  }
}

}  // namespace partage::tool
