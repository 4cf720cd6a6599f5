#include "manager/container/dict_table.hpp"

namespace partage::kernel::dict {

Found find(const Segment& segment, const Table& t, const Key& key, const Change* change) {
  Found found;
  if (t.capacity == 0) return found;
  const u64 hash = key.hash();
  const u32 tag = tag_of(hash);
  bool have_dummy = false;
  for (u64 s = first_slot(hash) & t.mask;; s = (s + 1) & t.mask) {
    const u32 v = change != nullptr ? Table::half(change->get(t.index_word(s)), s) : t.slot(s);
    if (v == 0) {
      if (!have_dummy) {
        found.slot = s;
        found.fresh = true;
      }
      return found;
    }
    if (is_dummy(v)) {
      if (!have_dummy) {
        have_dummy = true;
        found.slot = s;
      }
      continue;
    }
    if (((v ^ tag) >> 24) != 0) continue;
    const u64 number = (v & dummy_entry) - 1;
    DictEntry& e = t.entries[number];
    if (same_key(segment, e, key, false)) return {&e, number, s, false};
  }
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
