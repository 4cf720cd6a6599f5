#include "manager/segment/arena.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "manager/segment/change.hpp"

namespace partage::kernel {
namespace {

constexpr u64 first_chunk = 1024;
constexpr u64 largest_chunk = 1 << 20;

BlobHead& blob_at(const Segment& segment, u64 blob) noexcept {
  return segment.at<BlobHead>(blob);
}
ArenaHead& arena_at(const Segment& segment, u64 arena) noexcept {
  return segment.at<ArenaHead>(arena);
}

/// A further chunk, or the first: at least `bytes` of room. What is left of the current one becomes a free blob.
void add_chunk(Change& change, Word& arena_word, u64 bytes) {
  Segment& segment = change.segment();
  const u64 arena = change.get(arena_word);
  const u64 total = arena == 0 ? 0 : change.get(arena_at(segment, arena).total);
  const u64 head_bytes = arena == 0 ? sizeof(ArenaHead) : 0;
  // Chunks grow with the arena, so that their number is logarithmic and what is unused is a fraction.
  const u64 wanted =
      std::max(bytes + head_bytes, std::clamp(total / 2, first_chunk, largest_chunk) - sizeof(BlockHead));
  const Change::Run run = change.take_run(wanted);
  const u64 begin = run.offset + head_bytes, end = run.offset + run.draft.size() / 16 * 16;
  Runs runs = segment.runs();
  if (arena == 0) {
    auto& head = arena_at(segment, run.offset);
    run.draft.zero(&head.bump, sizeof head / 8);
    run.draft.set(head.bump, begin);
    run.draft.set(head.end, end);
    run.draft.set(head.total, run.draft.size());
    change.put(arena_word, run.offset);
    change.put(runs.link(run.offset), 0);
    return;
  }
  auto& head = arena_at(segment, arena);
  const u64 left_at = change.get(head.bump), left = change.get(head.end) - left_at;
  if (left >= 32) {
    unsigned c = blob_class(std::min(left, largest_arena_blob));
    if (blob_class_bytes(c) > left) --c;
    change.put(blob_at(segment, left_at).head, c | change.get(head.free[c]) << 8);
    change.put(head.free[c], left_at);
  }
  change.put(runs.link(run.offset), change.get(runs.link(arena)));
  change.put(runs.link(arena), run.offset);
  change.put(head.bump, begin);
  change.put(head.end, end);
  change.put(head.total, total + run.draft.size());
}

}  // namespace

unsigned blob_class(u64 bytes) noexcept {
  if (bytes <= 128) return bytes <= 32 ? 0 : static_cast<unsigned>((bytes + 15) / 16 - 2);
  const u64 last = bytes - 1;
  const auto log = static_cast<unsigned>(std::bit_width(last) - 1);  // 7 for 129..256
  return 7 + (log - 7) * 4 + static_cast<unsigned>((last >> (log - 2)) & 3);
}

u64 blob_class_bytes(unsigned c) noexcept {
  if (c < 7) return (c + 2) * u64{16};
  const unsigned log = 7 + (c - 7) / 4;
  return ((c - 7) % 4 + 5) * (u64{1} << (log - 2));
}

u64 arena_take(Change& change, Word& arena_word, u64 payload_bytes) {
  Segment& segment = change.segment();
  const u64 bytes = sizeof(BlobHead) + (payload_bytes + 7) / 8 * 8;
  if (bytes > largest_arena_blob) {
    const Change::Run run = change.take_run(bytes);
    run.draft.set(blob_at(segment, run.offset).head, own_run_class);
    change.put(segment.runs().link(run.offset), 0);
    return run.offset;
  }
  const unsigned c = blob_class(bytes);
  const u64 size = blob_class_bytes(c);
  u64 arena = change.get(arena_word);
  if (arena != 0) {
    Word& free = arena_at(segment, arena).free[c];
    if (const u64 blob = change.get(free); blob != 0) {
      change.put(free, change.get(blob_at(segment, blob).head) >> 8);
      return blob;
    }
  }
  if (arena == 0 || change.get(arena_at(segment, arena).bump) + size > change.get(arena_at(segment, arena).end)) {
    add_chunk(change, arena_word, size);
    arena = change.get(arena_word);
  }
  auto& head = arena_at(segment, arena);
  const u64 blob = change.get(head.bump);
  // For a page that this process reads first, the kernel maps those around it too; for one that it writes first, that one.
  (void)blob_at(segment, blob).head.load();
  Draft(&blob_at(segment, blob), sizeof(BlobHead)).set(blob_at(segment, blob).head, c);
  change.put(head.bump, blob + size);
  return blob;
}

void arena_give_back(Change& change, Word& arena_word, u64 blob) {
  Segment& segment = change.segment();
  Word& head = blob_at(segment, blob).head;
  const u64 c = head.load() & 255;
  if (c == own_run_class) {
    change.retire_run(blob);
    return;
  }
  const u64 arena = change.get(arena_word);
  if (arena == 0) return;  // the whole arena goes in this very commit
  Word& free = arena_at(segment, arena).free[c];
  change.put(head, c | change.get(free) << 8);
  change.put(free, blob);
}

bool read_blob(const Segment& segment, u64 blob, Bytes& out, bool checked) {
  if (checked && (blob % 16 != 0 || !segment.holds(blob, sizeof(BlobHead)))) return false;
  const auto& head = blob_at(segment, blob);
  const BlobShape shape = BlobShape::of(head.shape.load());
  if (checked && !segment.holds(blob + sizeof(BlobHead), shape.payload())) return false;
  const Word* payload = &head.shape + 1;
  out.refs().resize(shape.refs);
  copy_out(out.refs().data(), payload, shape.refs * 8);
  copy_out(out.resize(shape.bytes), payload + shape.refs, shape.bytes);
  return true;
}

void blob_refs(const Segment& segment, u64 blob, std::vector<ObjectRef>& out) {
  const auto& head = blob_at(segment, blob);
  const Word* payload = &head.shape + 1;
  for (u64 i = 0, n = BlobShape::of(head.shape.load()).refs; i < n; ++i) out.push_back(payload[i].load());
}

bool looks_like_blob(const Segment& segment, u64 blob) noexcept {
  if (blob % 16 != 0 || !segment.holds(blob, sizeof(BlobHead))) return false;
  const u64 payload = BlobShape::of(blob_at(segment, blob).shape.load()).payload();
  const u64 c = blob_at(segment, blob).head.load() & 255;
  if (c == own_run_class) return Runs(const_cast<Segment&>(segment)).looks_like_run(blob, sizeof(BlobHead) + payload);
  return c < ArenaHead::classes && segment.holds(blob, blob_class_bytes(static_cast<unsigned>(c))) &&
         payload <= blob_class_bytes(static_cast<unsigned>(c)) - sizeof(BlobHead);
}

std::string verify_arena(Segment& segment, u64 arena, const std::vector<u64>& blobs_in_use) {
  std::map<u64, u64> taken;  // offset -> bytes, of every arena blob in use or free
  for (const u64 blob : blobs_in_use) {
    const u64 c = blob_at(segment, blob).head.load() & 255;
    if (c == own_run_class) continue;
    if (arena == 0) return "arena: a blob without an arena";
    if (c >= ArenaHead::classes) return "arena: a blob of an unknown class";
    if (!taken.emplace(blob, blob_class_bytes(static_cast<unsigned>(c))).second) return "arena: a blob used twice";
  }
  if (arena == 0) return "";
  if (!segment.runs().looks_like_run(arena, sizeof(ArenaHead)) || !segment.runs().looks_like_list(arena)) {
    return "arena: a chunk that is no run";
  }
  const auto& head = arena_at(segment, arena);
  for (unsigned c = 0; c < ArenaHead::classes; ++c) {
    for (u64 blob = head.free[c].load(); blob != 0; blob = blob_at(segment, blob).head.load() >> 8) {
      if (blob % 16 != 0 || !segment.holds(blob, blob_class_bytes(c))) return "arena: a free blob out of bounds";
      if ((blob_at(segment, blob).head.load() & 255) != c) return "arena: a free blob in the wrong list";
      if (!taken.emplace(blob, blob_class_bytes(c)).second) return "arena: a free blob in use";
    }
  }
  // Every chunk is tiled by blobs up to its end or, the current one, up to bump; the unusable rest of a former chunk is
  // below the smallest size of a blob or was left when a larger piece of it became a blob.
  u64 total = 0, current = 0;
  std::string problem;
  for_each_chunk(segment, arena, [&](u64 run) {
    const u64 size = segment.runs().payload_size(run), end = run + size / 16 * 16;
    total += size;
    u64 at = run == arena ? run + sizeof(ArenaHead) : run;
    const u64 bump = head.bump.load();
    const bool is_current = bump >= at && bump <= end && bump % 16 == 0 && head.end.load() == end;
    const u64 stop = is_current ? bump : end;
    current += is_current;
    while (at < stop) {
      const auto it = taken.find(at);
      if (it == taken.end()) {
        if (!is_current && end - at < largest_arena_blob / 4 + 32) break;
        problem = "arena: bytes that belong to no blob";
        return;
      }
      at += it->second;
      taken.erase(it);
    }
    if (at > stop) problem = "arena: a blob reaches beyond its chunk, or beyond what was handed out";
  });
  if (!problem.empty()) return problem;
  if (!taken.empty()) return "arena: a blob outside every chunk";
  if (current != 1) return "arena: new blobs would lie in none of its chunks";
  return total == head.total.load() ? "" : "arena: wrong total";
}

}  // namespace partage::kernel
