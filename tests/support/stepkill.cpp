#include "stepkill.hpp"

#include "change_detector.hpp"
#include "processes.hpp"
#include "robust_words.hpp"
#include "tracee.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace partage::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t failures_kept = 5;
constexpr std::chrono::milliseconds unstepped_timeout{20'000};

/// What one judgement said.
struct Verdict {
  int code;  // 0 old, 1 new, else broken
  std::string text;
};

Verdict judge_image(const Subject& subject, const Image& image, const Options& options) {
  ChildResult end = run_child([&] { return subject.judge(image); }, options.judge_timeout);
  if (end.end == ChildResult::End::exited) return {end.code, "the judge says " + std::to_string(end.code)};
  return {-1, "the judge " + end.describe()};
}

/// Everything a run collects.
class Score {
 public:
  Score(const Subject& subject, const char* mode) : start_(Clock::now()) {
    result.name = subject.name;
    result.mode = mode;
    result.failures.reserve(failures_kept);
  }

  /// Where the kill was.
  struct Place {
    long instruction;
    std::uintptr_t next;
    long recovery_instruction = -1;
    bool on_path = true;  // false: the order of such kills says nothing
  };

  /// `expected`: the only right verdict, or -1 if old and new are both right.
  void add(const Verdict& verdict, const Place& place, int expected = -1) {
    ++result.kills;
    std::string wrong;
    if (verdict.code == 0)
      ++result.old_states;
    else if (verdict.code == 1)
      ++result.new_states;
    else
      wrong = verdict.text;
    if (expected >= 0 && verdict.code != expected && wrong.empty())
      wrong = verdict.text + ", without a kill in the recovery it was " + std::to_string(expected);
    if (!wrong.empty()) ++result.bad;
    if (expected < 0 && place.on_path) {
      if (verdict.code == 0 && seen_new_) {
        if (result.monotonic) wrong = "old again after it had been new";
        result.monotonic = false;
      }
      seen_new_ = seen_new_ || verdict.code == 1;
    }
    if (!wrong.empty() && result.failures.size() < failures_kept)
      result.failures.push_back({place.instruction, place.recovery_instruction, symbol_at(place.next), wrong});
  }

  /// Forgets all but the name.
  void restart() {
    result = {.name = result.name, .mode = result.mode};
    seen_new_ = false;
  }

  Result finish() {
    result.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return std::move(result);
  }

  Result result{};

 private:
  Clock::time_point start_;
  bool seen_new_ = false;
};

/// Puts the image back to what it was, however a run ends.
class Restorer {
 public:
  explicit Restorer(const Image& image) : image_(image), saved_(image) { saved_.take(image_); }
  ~Restorer() {
    try {
      restore();
    } catch (...) {  // only if the system refuses madvise: restore() has thrown where it matters
    }
  }
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;
  void restore() const { saved_.give_back(image_); }

 private:
  const Image& image_;
  Mirror saved_;
};

std::size_t used_bytes(const Image& image) {
  std::size_t sum = 0;
  for (const Part& part : image) sum += part.used_bytes();
  return sum;
}

/// Does to the image what the death of `victim` does.
void bury(const Subject& subject, const Image& image, pid_t victim) {
  for (std::size_t i = 0; i < image.size(); ++i) {
    const Part& part = image[i];
    const std::vector<std::size_t> mutexes =
        subject.mutexes ? subject.mutexes(image, i) : held_robust_mutexes({part.base, part.used_bytes()}, victim);
    mark_owner_dead(part.base, mutexes, victim);
  }
  if (subject.on_death) subject.on_death(image, victim);
}

/// One stepped run of `body` over `image`.
class Walk {
 public:
  /// Called at boundary 0, after every instruction that changed the image (`changed`), and with `all` at every
  /// boundary.
  using Visit = std::function<void(const Tracee&, long boundary, bool changed)>;

  enum class Visits { changes, all };

  Walk(const Image& image, std::function<void()> prepare, std::function<void()> body, const Options& options)
      : image_(image), prepare_(std::move(prepare)), body_(std::move(body)), stuck_(options.stuck) {
    if (used_bytes(image) <= options.compare_all_below) return;
    const Restorer restorer(image);
    pages_ = written_pages(
        image, [this] { run_once(); }, unstepped_timeout);
  }

  /// The instructions executed, or -1 if a change was missed: then undo everything, restore the image and call again.
  long run(Visits visits, const Visit& visit, std::string& error) {
    ChangeDetector detector(image_, pages_);
    Tracee victim(prepare_, body_, stuck_);
    long boundary = 0;
    detector.changed();  // prepare() may have changed something
    if (victim.failure().empty()) visit(victim, boundary, true);
    bool more = victim.failure().empty();
    while (more) {
      more = victim.step();
      if (!victim.failure().empty()) break;
      ++boundary;
      const bool changed = detector.changed();
      if (detector.missed()) {
        pages_.reset();
        return -1;
      }
      if (changed || visits == Visits::all) visit(victim, boundary, changed);
    }
    error = victim.failure();
    return boundary;
  }

 private:
  void run_once() {
    if (prepare_) prepare_();
    body_();
  }

  const Image& image_;
  std::function<void()> prepare_;
  std::function<void()> body_;
  std::chrono::seconds stuck_;
  std::optional<PageList> pages_;
};

/// What the surveying run of `real` recorded.
struct Survey {
  std::vector<Tracee::Registers> path;  // per boundary
  std::vector<long> passings;           // how often the same instruction was executed before
  std::vector<long> chosen;             // boundaries to kill at
  std::string error;
};

Survey survey_path(const Subject& subject, const Selection& selection, const Options& options,
                   const Restorer& restorer) {
  Walk walk(subject.image, subject.prepare, subject.operate, options);
  Survey survey;
  for (long instructions = -1; instructions < 0;) {
    restorer.restore();
    survey = {};
    CodeTracker tracker(selection.code);
    long count = 0;
    instructions = walk.run(
        Walk::Visits::all,
        [&](const Tracee& victim, long boundary, bool changed) {
          const Tracee::Registers& at = victim.registers();
          survey.path.push_back(at);
          const bool inside = tracker.inside(at.instruction, at.stack);
          if (!selection.everything && !changed && !inside) return;
          if (count++ % selection.stride == 0) survey.chosen.push_back(boundary);
        },
        survey.error);
  }
  std::unordered_map<std::uintptr_t, long> seen;
  survey.passings.reserve(survey.path.size());
  for (const Tracee::Registers& at : survey.path) survey.passings.push_back(seen[at.instruction]++);
  return survey;
}

/// The boundary from which it is cheapest to step on to `target`, after a breakpoint has led there; 0: step all the
/// way.
long cheapest_anchor(const Survey& survey, long target) {
  constexpr long window = 400;
  constexpr long breakpoint_cost = 4;  // in steps, per passing
  long best = 0;
  long best_cost = target;
  for (long at = target; at > 0 && at > target - window; --at) {
    const long cost = (survey.passings[static_cast<std::size_t>(at)] + 1) * breakpoint_cost + target - at;
    if (cost < best_cost) {
      best = at;
      best_cost = cost;
    }
  }
  return best;
}

/// Brings a new victim to a boundary. False if it did not get there on the recorded path.
bool bring_to(Tracee& victim, const Survey& survey, long target, bool breakpoints) {
  const long anchor = breakpoints ? cheapest_anchor(survey, target) : 0;
  const auto index = static_cast<std::size_t>(anchor);
  if (anchor > 0 && !victim.run_to(survey.path[index].instruction, survey.passings[index])) return false;
  for (long at = anchor; at < target; ++at)
    if (!victim.step()) return at + 1 == target && victim.failure().empty();  // the last boundary is the end itself
  const Tracee::Registers& planned = survey.path[static_cast<std::size_t>(target)];
  return victim.registers().instruction == planned.instruction && victim.registers().stack == planned.stack;
}

}  // namespace

Selection Selection::from_environment(CodeSet code) {
  const char* value = std::getenv("PARTAGE_STEPKILL");
  return value != nullptr && std::string_view(value) == "full" ? every() : changed_and(std::move(code));
}

Result pass(const Subject& subject, const Options& options) {
  const OneProcessor pin;
  const Restorer restorer(subject.image);
  Score score(subject, "pass");
  Mirror copy(subject.image);
  Walk walk(subject.image, subject.prepare, subject.operate, options);
  for (long instructions = -1; instructions < 0;) {
    restorer.restore();
    score.restart();
    instructions = walk.run(
        Walk::Visits::changes,
        [&](const Tracee& victim, long boundary, bool) {
          copy.take(subject.image);
          bury(subject, copy.image(), victim.pid());
          score.add(judge_image(subject, copy.image(), options), {boundary, victim.registers().instruction});
        },
        score.result.error);
    score.result.instructions = std::max(instructions, 0L);
  }
  return score.finish();
}

Result real(const Subject& subject, const Selection& selection, const Options& options) {
  const OneProcessor pin;
  const Restorer restorer(subject.image);
  Score score(subject, "real");
  const Survey survey = survey_path(subject, selection, options, restorer);
  score.result.instructions = static_cast<long>(survey.path.size()) - 1;
  score.result.error = survey.error;
  for (const long target : survey.chosen) {
    std::uintptr_t next = 0;
    bool arrived = false;
    for (const bool breakpoints : {true, false}) {
      if (breakpoints && !options.breakpoints) continue;
      restorer.restore();
      Tracee victim(subject.prepare, subject.operate, options.stuck);
      arrived = bring_to(victim, survey, target, breakpoints);
      next = victim.registers().instruction;
      victim.kill();
      if (arrived) break;
      if (!breakpoints) ++score.result.strayed;  // even when stepped; a kill somewhere else is still a kill
    }
    score.add(judge_image(subject, subject.image, options), {target, next, -1, arrived});
  }
  return score.finish();
}

Result recovery(const Subject& subject, long every, const Options& options) {
  const OneProcessor pin;
  const Restorer restorer(subject.image);
  Score score(subject, "recovery");
  Mirror start(subject.image);
  Mirror half(subject.image);
  Mirror copy(subject.image);
  Walk walk(subject.image, subject.prepare, subject.operate, options);
  long states = 0;

  // Steps the recoverer on `half`, which is in the state of `start`.
  const auto kill_recoverer = [&](int expected, long first) {
    Walk recoverer(
        half.image(), nullptr, [&] { subject.recover(half.image()); }, options);
    for (long instructions = -1; instructions < 0;) {
      half.take(start.image());
      const Result before = score.result;
      std::string error;
      instructions = recoverer.run(
          Walk::Visits::changes,
          [&](const Tracee& victim, long boundary, bool) {
            copy.take(half.image());
            bury(subject, copy.image(), victim.pid());
            const Verdict verdict = judge_image(subject, copy.image(), options);
            score.add(verdict, {first, victim.registers().instruction, boundary}, expected);
          },
          error);
      if (instructions < 0)
        score.result = before;
      else
        score.result.instructions += instructions;
      if (!error.empty()) score.result.error = "the recoverer " + error;
    }
  };

  for (long instructions = -1; instructions < 0;) {
    restorer.restore();
    score.restart();
    states = 0;
    std::string error;
    instructions = walk.run(
        Walk::Visits::changes,
        [&](const Tracee& victim, long boundary, bool) {
          if (states++ % every != 0) return;
          start.take(subject.image);
          bury(subject, start.image(), victim.pid());
          ++score.result.first_kills;
          copy.take(start.image());
          const Verdict verdict = judge_image(subject, copy.image(), options);
          if (verdict.code != 0 && verdict.code != 1)
            score.add(verdict, {boundary, victim.registers().instruction});
          else
            kill_recoverer(verdict.code, boundary);
        },
        error);
    if (!error.empty()) score.result.error = error;
  }
  return score.finish();
}

}  // namespace partage::test
