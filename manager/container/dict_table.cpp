#include "manager/container/dict_table.hpp"

namespace partage::kernel::dict {

namespace {
template <class Slot>
inline Found find_by(const Segment& segment, const Table& t, const Key& key, Slot slot_at) {
  if (t.capacity == 0) return {};
  const u64 hash = key.hash();
  const u32 tag = tag_of(hash);
  bool have_dummy = false;
  u64 dummy_at = 0;
  for (u64 s = first_slot(hash) & t.mask;; s = (s + 1) & t.mask) {
    const u32 v = slot_at(s);
    if (v == 0) return {nullptr, 0, have_dummy ? dummy_at : s, !have_dummy};
    if (is_dummy(v)) {
      if (!have_dummy) dummy_at = s;
      have_dummy = true;
      continue;
    }
    if (((v ^ tag) >> 24) != 0) continue;
    const u64 number = (v & dummy_entry) - 1;
    DictEntry& e = t.entries[number];
    if (same_key(segment, e, key, false)) return {&e, number, s, false};
  }
}
}  // namespace

Found find(const Segment& segment, const Table& t, const Key& key) {
  return find_by(segment, t, key, [&](u64 s) { return t.slot(s); });
}

Found find_planned(const Segment& segment, const Table& t, const Key& key, const Change& change) {
  return find_by(segment, t, key, [&](u64 s) { return Table::half(change.get(t.index_word(s)), s); });
}

bool same_blob(const Segment& segment, const DictEntry& e, const Key& k, bool checked) noexcept {
  if (e.key[1].load() != k.word[1] || e.key[2].load() != k.word[2]) return false;
  const u64 blob = e.key[0].load();
  const u64 bytes = k.bytes.size;
  if (checked && (blob % 16 != 0 || !segment.holds(blob, sizeof(BlobHead) + bytes + 8))) return false;
  const Word* payload = &segment.at<BlobHead>(blob).shape + 1;
  for (u64 i = 0; i < bytes; i += 8) {
    const u64 n = bytes - i < 8 ? bytes - i : 8;
    u64 mine = 0;
    std::memcpy(&mine, k.bytes.data + i, n);
    if (payload[i / 8].load() != mine) return false;
  }
  return true;
}

u64 slot_of(const Table& t, u64 hash, u64 number) {
  u64 s = first_slot(hash) & t.mask;
  while ((t.slot(s) & dummy_entry) != number + 1) s = (s + 1) & t.mask;
  return s;
}

bool read_key(const Segment& segment, const DictEntry& e, Bytes& out, bool checked) {
  const u64 code = DictEntry::key_code(e.meta.load());
  if (code == DictEntry::blob_key) return read_blob(segment, e.key[0].load(), out, checked);
  if (checked && (code == 0 || code > DictEntry::inline_key + 1)) return false;
  copy_out(out.resize(code - 1), e.key, code - 1);
  return true;
}

void value_refs(const Segment& segment, const DictEntry& e, std::vector<ObjectRef>& out) {
  const u64 code = DictEntry::value_code(e.meta.load());
  if (code == DictEntry::reference_value) out.push_back(e.value.load());
  if (code == DictEntry::blob_value) blob_refs(segment, e.value.load(), out);
}

}  // namespace partage::kernel::dict
