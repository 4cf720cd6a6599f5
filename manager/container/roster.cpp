#include "manager/container/roster.hpp"

#include <bit>
#include <partage/error.hpp>

namespace partage::kernel {

void Roster::refuse() {
  throw Corrupt("partage: the records of who waits or holds are damaged; `partage check` says more");
}

std::size_t Roster::count() const {
  std::size_t n = 0;
  for_each([&](const Record&) { return ++n != 0; });
  return n;
}

void Roster::rebuild() {
  const Place old = place();
  const std::size_t records = count();
  unsigned log2 = least_log2;
  while ((std::size_t{1} << log2) < records * 2) ++log2;
  if (log2 > most_log2) throw ValueError("partage: more than a thousand million permits or waiters of one object");
  const Change::Run run = change_.take_run(std::size_t{16} << log2);
  Word* to = &change_.segment().at<Word>(run.offset);
  for_each([&](const Record& record) {
    run.draft.set(*to++, record.client.word());
    run.draft.set(*to++, record.data);
    return true;
  });
  if (old.run != 0) change_.retire_run(old.run);
  change_.put(run_, run.offset << 8 | log2);
  set_ends(0, static_cast<u32>(records));
}

void Roster::append(ClientId client, u64 data) {
  if (const Place now = place(); now.run == 0 || now.span == u32{1} << now.log2) rebuild();
  const Place now = place();
  Word* words = at(now, now.span);  // behind the last: nobody looks there
  const Draft draft(words, 16);
  draft.set(words[0], client.word());
  draft.set(words[1], data);
  set_ends(now.head, now.span + 1);
}

void Roster::erase(const Record& record) {
  const Place now = place();
  const auto hole = [&](u32 i) { return i == record.at || change_.get(at(now, i)[0]) == 0; };
  u32 first = 0, last = now.span;
  while (first < last && hole(first)) ++first;
  while (last > first && hole(last - 1)) --last;
  if (first == last) {
    set_ends(0, 0);
    if (now.log2 > kept_log2) {
      change_.retire_run(now.run);
      change_.put(run_, 0);
    }
    return;
  }
  if (first != 0 || last != now.span) {
    set_ends((now.head + first) & ((u32{1} << now.log2) - 1), last - first);
  } else {
    change_.put(at(now, record.at)[0], 0);
  }
}

}  // namespace partage::kernel
