// The format of a segment, pinned: sizes, offsets and values of everything that lies in shared memory, and the bytes of a
// small segment, decoded by hand as docs/format.md describes them. If this test fails, programs of two versions would
// misread each other: raise the format version, or set an incompatibility bit.

#include <cstring>
#include <vector>

#include "manager/container/dict_table.hpp"
#include "manager/container/list.hpp"
#include "manager/registry/control_table.hpp"
#include "tests/container/list_fixture.hpp"
#include "tests/kernel/bare.hpp"
#include "tests/kernel/fixture.hpp"

namespace partage::test {
namespace {

using namespace kernel;

}  // namespace

TEST_CASE("layout: words, logs, stripes") {
  CHECK(sizeof(Word) == 8);
  CHECK(sizeof(Ticket) == 8);
  CHECK(sizeof(LogSlot) == 16);
  CHECK(sizeof(RobustMutex) == 40);
  CHECK(sizeof(Stripe) == 256);
  CHECK(alignof(Stripe) == 64);
  PARTAGE_CHECK_OFFSET(Stripe, mutex, 0);
  PARTAGE_CHECK_OFFSET(Stripe, commit, 40);
  PARTAGE_CHECK_OFFSET(Stripe, first, 48);
  PARTAGE_CHECK_OFFSET(Stripe, seq, 64);
  PARTAGE_CHECK_OFFSET(Stripe, pend, 72);
  PARTAGE_CHECK_OFFSET(Stripe, body, 80);
  PARTAGE_CHECK_OFFSET(Stripe, more, 128);
  PARTAGE_CHECK_OFFSET(Stripe, owner, 240);
  PARTAGE_CHECK_OFFSET(Stripe, spill, 248);
  CHECK(Stripe::near_slots == 8);
  CHECK(Stripe::body_words == 6);
  CHECK(static_cast<u64>(StripeKind::plain) == 0);
  CHECK(static_cast<u64>(StripeKind::list) == 1);
  CHECK(static_cast<u64>(StripeKind::dict) == 2);
  CHECK(static_cast<u64>(StripeKind::dict_first) == 3);
  CHECK(static_cast<u64>(StripeKind::registry) == 4);
  CHECK(CommitWord::make(5, false, 0) == 5);
  CHECK(CommitWord::make(300, true, 2) == (300 | u64{1} << 47 | u64{2} << 48));
}

TEST_CASE("layout: header") {
  CHECK(segment_magic == 0x3145474154524150ull);
  CHECK(segment_format == 1);
  CHECK(known_incompat == 0);
  CHECK(compat_unmanaged == 1);
  CHECK(sizeof(SegmentHeader) == 4096);
  PARTAGE_CHECK_OFFSET(SegmentHeader, magic, 0);
  PARTAGE_CHECK_OFFSET(SegmentHeader, format, 8);
  PARTAGE_CHECK_OFFSET(SegmentHeader, compat, 16);
  PARTAGE_CHECK_OFFSET(SegmentHeader, incompat, 24);
  PARTAGE_CHECK_OFFSET(SegmentHeader, abi, 32);
  PARTAGE_CHECK_OFFSET(SegmentHeader, committed, 64);
  PARTAGE_CHECK_OFFSET(SegmentHeader, state, 72);
  PARTAGE_CHECK_OFFSET(SegmentHeader, max, 80);
  PARTAGE_CHECK_OFFSET(SegmentHeader, id, 88);
  PARTAGE_CHECK_OFFSET(SegmentHeader, records, 96);
  PARTAGE_CHECK_OFFSET(SegmentHeader, clients, 104);
  PARTAGE_CHECK_OFFSET(SegmentHeader, registry, 112);
  PARTAGE_CHECK_OFFSET(SegmentHeader, heap, 120);
  PARTAGE_CHECK_OFFSET(SegmentHeader, name, 128);
  PARTAGE_CHECK_OFFSET(SegmentHeader, service, 256);
  PARTAGE_CHECK_OFFSET(SegmentHeader, manager_pid, 296);
  PARTAGE_CHECK_OFFSET(SegmentHeader, manager_epoch, 304);
  PARTAGE_CHECK_OFFSET(SegmentHeader, repairs, 312);
  PARTAGE_CHECK_OFFSET(SegmentHeader, lives, 320);
  PARTAGE_CHECK_OFFSET(SegmentHeader, waits, 328);
  PARTAGE_CHECK_OFFSET(SegmentHeader, contended, 336);
  PARTAGE_CHECK_OFFSET(SegmentHeader, sleeps, 344);
  PARTAGE_CHECK_OFFSET(SegmentHeader, seal, 352);
  CHECK(compat_unmanaged == 1);
  CHECK(static_cast<u64>(SegmentState::live) == 0);
  CHECK(static_cast<u64>(SegmentState::shut_down) == 1);
  CHECK(heap_offset == 4096);
}

TEST_CASE("layout: heap") {
  CHECK(sizeof(HeapState) == 3584);
  CHECK(sizeof(SegmentManager) == 3648);
  PARTAGE_CHECK_OFFSET(HeapState, mutex, 0);
  PARTAGE_CHECK_OFFSET(HeapState, commit, 40);
  PARTAGE_CHECK_OFFSET(HeapState, top, 48);
  PARTAGE_CHECK_OFFSET(HeapState, used, 56);
  PARTAGE_CHECK_OFFSET(HeapState, map, 64);
  PARTAGE_CHECK_OFFSET(HeapState, owned, 104);
  PARTAGE_CHECK_OFFSET(HeapState, pool, 128);
  PARTAGE_CHECK_OFFSET(HeapState, bins, 256);
  PARTAGE_CHECK_OFFSET(HeapState, log, 2816);
  CHECK(HeapState::bin_count == 320);
  CHECK(HeapState::log_slots == 40);
  CHECK(sizeof(BlockHead) == 16);
  PARTAGE_CHECK_OFFSET(BlockHead, head, 0);
  PARTAGE_CHECK_OFFSET(BlockHead, link, 8);
  CHECK(static_cast<u64>(Pool::none) == 0);
  CHECK(static_cast<u64>(Pool::dict_body) == 1);
  CHECK(static_cast<u64>(Pool::list_body) == 2);
  CHECK(static_cast<u64>(Pool::stripes) == 3);
  CHECK(static_cast<u64>(stripe_pool(6)) == 9);
  CHECK(static_cast<u64>(Pool::table) == 15);
}

TEST_CASE("layout: transactions") {
  CHECK(transaction_records == 16);
  CHECK(most_participants == 192);
  CHECK(sizeof(TransactionRecord) == 1600);
  PARTAGE_CHECK_OFFSET(TransactionRecord, mutex, 0);
  PARTAGE_CHECK_OFFSET(TransactionRecord, decision, 40);
  PARTAGE_CHECK_OFFSET(TransactionRecord, count, 48);
  PARTAGE_CHECK_OFFSET(TransactionRecord, list, 64);
}

TEST_CASE("layout: arenas and blobs") {
  CHECK(sizeof(ArenaHead) == 224);
  PARTAGE_CHECK_OFFSET(ArenaHead, bump, 0);
  PARTAGE_CHECK_OFFSET(ArenaHead, end, 8);
  PARTAGE_CHECK_OFFSET(ArenaHead, total, 16);
  PARTAGE_CHECK_OFFSET(ArenaHead, free, 32);
  CHECK(ArenaHead::classes == 24);
  CHECK(sizeof(BlobHead) == 16);
  PARTAGE_CHECK_OFFSET(BlobHead, head, 0);
  PARTAGE_CHECK_OFFSET(BlobHead, shape, 8);
  CHECK(own_run_class == 255);
  CHECK(largest_arena_blob == 2048);
  CHECK(BlobShape{5, 2}.word() == (5 | u64{2} << 40));
  CHECK(Change::arena_word == 0);
}

TEST_CASE("layout: objects") {
  CHECK(client_slots == 512);
  CHECK(sizeof(ObjectTable) == 4544);
  PARTAGE_CHECK_OFFSET(ObjectTable, stripes, 0);
  PARTAGE_CHECK_OFFSET(ObjectTable, directory, 4096);
  PARTAGE_CHECK_OFFSET(ObjectTable, chunks, 4352);
  CHECK(ObjectTable::stripe_count == 16);
  CHECK(ObjectTable::chunk_count == 24);
  CHECK(ObjectTable::first_chunk_slots == 256);
  CHECK(ObjectTable::free_list == 1);
  CHECK(ObjectTable::dying_list == 2);
  CHECK(ObjectTable::slots_used == 3);
  CHECK(sizeof(ObjectSlot) == 128);
  PARTAGE_CHECK_OFFSET(ObjectSlot, state, 0);
  PARTAGE_CHECK_OFFSET(ObjectSlot, count, 8);
  PARTAGE_CHECK_OFFSET(ObjectSlot, body, 16);
  PARTAGE_CHECK_OFFSET(ObjectSlot, schema, 24);
  PARTAGE_CHECK_OFFSET(ObjectSlot, name, 32);
  PARTAGE_CHECK_OFFSET(ObjectSlot, link, 40);
  PARTAGE_CHECK_OFFSET(ObjectSlot, creator, 48);
  PARTAGE_CHECK_OFFSET(ObjectSlot, holders, 64);
  CHECK(static_cast<u64>(SlotState::free) == 0);
  CHECK(static_cast<u64>(SlotState::live) == 1);
  CHECK(static_cast<u64>(SlotState::dying) == 2);
  CHECK(static_cast<u64>(ObjectKind::list) == 1);
  CHECK(static_cast<u64>(ObjectKind::dict) == 2);
  CHECK(static_cast<u64>(ObjectKind::set) == 3);
  CHECK(static_cast<u64>(ObjectKind::name_space) == 6);
  CHECK(SlotWord{7, 3, ObjectKind::dict, SlotState::live}.word() == (u64{7} << 32 | 3 << 16 | 2 << 8 | 1));
  CHECK(make_ref(5, 9) == (u64{9} << 32 | 5));
}

TEST_CASE("layout: clients") {
  CHECK(sizeof(ClientSlot) == 64);
  PARTAGE_CHECK_OFFSET(ClientSlot, state, 0);
  PARTAGE_CHECK_OFFSET(ClientSlot, pid, 8);
  PARTAGE_CHECK_OFFSET(ClientSlot, start, 16);
  PARTAGE_CHECK_OFFSET(ClientSlot, image, 24);
  PARTAGE_CHECK_OFFSET(ClientSlot, reserver, 32);
  PARTAGE_CHECK_OFFSET(ClientSlot, ended, 40);
  CHECK(static_cast<u64>(ClientState::free) == 0);
  CHECK(static_cast<u64>(ClientState::reserved) == 1);
  CHECK(static_cast<u64>(ClientState::live) == 2);
  CHECK(static_cast<u64>(ClientState::transit) == 3);
  CHECK(transit_lock_offset == u64{1} << 62);
  CHECK(static_cast<u64>(ObjectKind::parcel) == 17);
  CHECK(sizeof(ActivityLock) == 64);
  CHECK(sizeof(ControlTable) == 34176);
  PARTAGE_CHECK_OFFSET(ControlTable, stripe, 0);
  PARTAGE_CHECK_OFFSET(ControlTable, reaper, 256);
  PARTAGE_CHECK_OFFSET(ControlTable, collector, 320);
  PARTAGE_CHECK_OFFSET(ControlTable, pid_namespace, 1344);
  PARTAGE_CHECK_OFFSET(ControlTable, slots, 1408);
}

TEST_CASE("layout: dict") {
  CHECK(sizeof(DictBody) == 832);
  PARTAGE_CHECK_OFFSET(DictBody, root, 0);
  PARTAGE_CHECK_OFFSET(DictBody, config, 8);
  PARTAGE_CHECK_OFFSET(DictBody, array, 16);
  PARTAGE_CHECK_OFFSET(DictBody, inserted, 24);
  PARTAGE_CHECK_OFFSET(DictBody, order, 64);
  PARTAGE_CHECK_OFFSET(DictBody, reads, 72);
  PARTAGE_CHECK_OFFSET(DictBody, first, 128);
  PARTAGE_CHECK_OFFSET(DictBody, table, 384);
  CHECK(DictBody::embedded_log2 == 3);
  CHECK(sizeof(StripeArrayHead) == 64);
  PARTAGE_CHECK_OFFSET(StripeArrayHead, made, 0);
  CHECK(sizeof(DictEntry) == 48);
  PARTAGE_CHECK_OFFSET(DictEntry, meta, 0);
  PARTAGE_CHECK_OFFSET(DictEntry, order, 8);
  PARTAGE_CHECK_OFFSET(DictEntry, value, 16);
  PARTAGE_CHECK_OFFSET(DictEntry, key, 24);
  CHECK(DictEntry::inline_key == 24);
  CHECK(DictEntry::inline_value == 8);
  CHECK(DictEntry::blob_key == 26);
  CHECK(DictEntry::blob_value == 9);
  CHECK(DictEntry::reference_value == 10);
  CHECK((dict_table == 1 && dict_count == 2 && dict_last == 3 && dict_used == 4));
  CHECK(no_table == 1);
  CHECK(handles_config == 1);
  CHECK(dummy_entry == 0xFFFFFF);
  CHECK(most_stripes_log2 == 6);
  CHECK(most_capacity_log2 == 23);
  CHECK(TableWord{4096, true, 3}.word() == (4096 << 8 | 128 | 3));
  CHECK(TableWord::bytes(3) == 16 * 4 + 8 * 48);
  CHECK(dict::make_count(7, 5) == (u64{7} << 32 | 5));
}

TEST_CASE("layout: the hash of a key is a part of the format") {
  const auto hash = [](std::string_view key) { return dict::Key(view(key)).hash(); };
  CHECK(hash("") == 0x60d97dbbb7110000ull);
  CHECK(hash("a") == 0x10b4b5abaa2b0000ull);
  CHECK(hash("123456789012345678901234") == 0x986ad8ec9c5a0000ull);
  CHECK(hash("1234567890123456789012345") == 0xe7419ec0ca250000ull);
  CHECK(dict::Key(view("1234567890123456789012345")).word[2] == 0xce01553c23894264ull);
}

TEST_CASE("layout: list") {
  CHECK(sizeof(ListBody) == 320);
  PARTAGE_CHECK_OFFSET(ListBody, config, 0);
  PARTAGE_CHECK_OFFSET(ListBody, reads, 8);
  PARTAGE_CHECK_OFFSET(ListBody, value, 16);
  PARTAGE_CHECK_OFFSET(ListBody, queue, 16);
  PARTAGE_CHECK_OFFSET(ListBody::ValueWords, cell, 0);
  PARTAGE_CHECK_OFFSET(ListBody::ValueWords, companion, 8);
  PARTAGE_CHECK_OFFSET(ListBody, items, 40);
  PARTAGE_CHECK_OFFSET(ListBody, room, 48);
  PARTAGE_CHECK_OFFSET(ListBody, done, 56);
  PARTAGE_CHECK_OFFSET(ListBody, stripe, 64);
  CHECK(ListConfig{.packed_size = 8, .handles = false}.word() == 0x10008);
  CHECK(ListConfig{.packed_size = 0, .handles = true}.word() == 0x10100);
  CHECK(ListConfig{.packed_size = 4, .cell = true}.word() == 0x10204);
  CHECK(ListConfig{.owners = true}.word() == 0x10400);
  CHECK(ListConfig{.queue = true}.word() == 0x10800);
  CHECK((ListBody::ring == 1 && ListBody::ends == 2 && ListBody::shift == 3 && ListBody::progress == 4));
  CHECK(RingWord{4096, 5}.word() == (4096 << 8 | 5));
  CHECK(EndsWord{3, 9}.word() == (u64{3} << 32 | 9));
  CHECK(SlotWords::most_inline == 15);
  CHECK(SlotWords::blob == 16);
  CHECK(SlotWords::reference == 17);
  CHECK(Ring::least_capacity == 8);
  CHECK(Ring::spare_slots == 2);
  const SlotWords s = SlotWords::of_inline(reinterpret_cast<const std::byte*>("abcdefghij"), 10);
  CHECK(s.first == 0x6867666564636261);
  CHECK(s.second == (0x6a69 << 8 | 10));
}

TEST_CASE("layout: a small segment, decoded by hand") {
  ContainerFixture f;
  Segment& segment = f.segment();
  make_control_table(segment);
  Objects objects(segment);
  // list<i64> [1, 2, 3]
  ObjectRef numbers_ref = 0;
  const List numbers = make_list(f, {.packed_size = 8, .handles = false}, &numbers_ref);
  for (const u64 n : {1u, 2u, 3u}) numbers.append({&n, 8});
  // list<str> ["hi", forty letters x]
  ObjectRef texts_ref = 0;
  const List texts = make_list(f, {}, &texts_ref);
  append(texts, "\x02hi");
  append(texts, '\x28' + std::string(40, 'x'));
  // dict<str,i64> {'a': 1}, and the list of numbers in a dict of handles
  DictBody& body = f.make_dict({});
  const u64 one = 1;
  Dict(segment, body)
      .set(view("\x01"
                "a"),
           {&one, 8});
  DictBody& handles = f.make_dict({.stripes_log2 = 0, .handles = true});
  Dict(segment, handles)
      .set(view("\x01"
                "h"),
           {nullptr, 0, {&numbers_ref, 1}});

  const Bare bare(segment);
  // Header
  CHECK(bare.text(0, 8) == "PARTAGE1");
  CHECK(bare.word(8) == 1);
  CHECK(bare.word(16) == 0);
  CHECK(bare.word(24) == 0);
  CHECK((bare.word(32) & 0xFF) == 8);       // pointer size
  CHECK((bare.word(32) >> 8 & 0xFF) == 1);  // little-endian
  CHECK((bare.word(32) >> 16) == static_cast<u64>(::sysconf(_SC_PAGESIZE)));
  CHECK(bare.word(40) == (40 | 8 << 16));
  CHECK(bare.word(56) == BOOST_VERSION);
  CHECK(bare.word(64) == bare.size());
  CHECK(bare.word(72) == 0);
  CHECK(bare.word(80) == std::size_t{256} << 20);
  CHECK(bare.word(120) == 4096);
  CHECK(bare.word(128) == 0);  // no name
  for (u64 at = 312; at < 4096; at += 8) REQUIRE(bare.word(at) == 0);
  const u64 records = bare.word(96), clients = bare.word(104), registry = bare.word(112);

  // Heap: blocks tile the space from the first block to top.
  const u64 heap = 4096, top = bare.word(heap + 48);
  CHECK(bare.word(heap + 40) == 0);
  u64 used = 0, blocks = 0;
  std::vector<u64> runs;
  bool previous_free = false;
  for (u64 b = 7792; b < top; ++blocks) {
    const u64 head = bare.word(b), size = head & 0x3FFFFFFFFFFFC0;
    REQUIRE(size != 0);
    REQUIRE(((head & 2) != 0) == previous_free);
    previous_free = (head & 1) != 0;
    if (previous_free) {
      CHECK(bare.word(b + size - 8) == size);
    } else {
      used += size;
      runs.push_back(b + 16);
    }
    b += size;
  }
  CHECK(bare.word(heap + 56) == used);
  const auto is_run = [&](u64 at, u64 bytes, u64 pool) {
    const u64 head = bare.word(at - 16);
    return std::ranges::count(runs, at) == 1 && (head & 0x3FFFFFFFFFFFC0) >= bytes + 16 && (head >> 2 & 15) == pool;
  };
  CHECK(is_run(records, 16 * 1600, 0));
  CHECK(is_run(clients, 34176, 0));
  CHECK(is_run(registry, 4544, 0));

  // Objects: all made by this thread, so on one stripe.
  u64 s = 0;
  while (s < 16 && bare.word(registry + 256 * s + 80 + 24) == 0) ++s;
  REQUIRE(s < 16);
  CHECK(bare.word(registry + 256 * s + 80 + 24) == 4);
  CHECK(bare.word(registry + 256 * s + 240) == 4);
  const u64 chunk = bare.word(registry + 4352);
  CHECK(is_run(chunk, 256 * 128, 0));
  const auto slot = [&](u64 nth) { return chunk + 128 * (nth * 16 + s); };
  CHECK(numbers_ref == (u64{1} << 32 | s));
  CHECK(bare.word(slot(0)) == (u64{1} << 32 | 1 << 8 | 1));
  CHECK(bare.word(slot(1)) == (u64{1} << 32 | 1 << 8 | 1));
  CHECK(bare.word(slot(2)) == (u64{1} << 32 | 2 << 8 | 1));
  CHECK(bare.word(slot(0) + 8) == 1);  // the dict of handles refers to it
  CHECK(bare.word(slot(1) + 8) == 0);
  for (u64 i = 0; i < 4; ++i) {
    const u64 schema = bare.word(slot(i) + 24);
    CHECK(is_run(schema, 12, 0));
    CHECK(bare.text(schema + 8, bare.word(schema)) == "test");
    CHECK(bare.word(slot(i) + 32) == 0);
    CHECK(bare.word(slot(i) + 48) == static_cast<u64>(::getpid()));
    CHECK(bare.word(slot(i) + 64) == 2);  // client slot 1
  }

  // The packed list
  {
    const u64 list = bare.word(slot(0) + 16), stripe = list + 64;
    INFO("list: ", bare.dump(list, 320));
    CHECK(is_run(list, 320, 2));
    CHECK(bare.word(list) == 0x10008);
    CHECK(bare.word(stripe + 40) == 0);
    CHECK(bare.word(stripe + 64) % 2 == 0);
    CHECK(bare.word(stripe + 240) == (list | 1));
    CHECK(bare.word(stripe + 80) == 0);  // no arena
    const u64 ring = bare.word(stripe + 88) >> 8, capacity = u64{1} << (bare.word(stripe + 88) & 63);
    const u64 head = bare.word(stripe + 96) >> 32, count = bare.word(stripe + 96) & 0xFFFFFFFF;
    CHECK(capacity == 8);
    CHECK(is_run(ring, capacity * 8, 0));
    REQUIRE(count == 3);
    for (u64 i = 0; i < count; ++i) CHECK(bare.word(ring + 8 * ((head + i) % capacity)) == i + 1);
    CHECK(bare.word(stripe + 104) == 0);
  }
  // The variable list
  {
    const u64 list = bare.word(slot(1) + 16), stripe = list + 64;
    CHECK(is_run(list, 320, 2));
    CHECK(bare.word(list) == 0x10000);
    const u64 ring = bare.word(stripe + 88) >> 8, head = bare.word(stripe + 96) >> 32;
    const auto element = [&](u64 i) { return ring + 16 * ((head + i) % 8); };
    CHECK(bare.word(element(0)) == 0x696802);
    CHECK(bare.word(element(0) + 8) == 3);
    CHECK(bare.word(element(1) + 8) == 16);
    const u64 arena = bare.word(stripe + 80), blob = bare.word(element(1));
    CHECK(is_run(arena, 224, 0));
    CHECK(blob == arena + 224);  // the first of its first chunk
    CHECK(bare.word(arena) == blob + 64);
    CHECK((bare.word(blob) & 255) == 2);  // 64 bytes
    CHECK(bare.word(blob + 8) == 41);
    CHECK(bare.text(blob + 16, 41) == '\x28' + std::string(40, 'x'));
  }
  // The dict
  {
    const u64 dict = bare.word(slot(2) + 16), stripe = dict + 128, table = dict + 384;
    INFO("dict: ", bare.dump(dict, 832));
    CHECK(is_run(dict, 832, 1));
    CHECK(bare.word(dict) == stripe << 8);
    CHECK(bare.word(dict + 8) == 9 << split_shift);
    CHECK(bare.word(dict + 16) == 0);
    CHECK(bare.word(dict + 64) == 1);  // one order number drawn
    CHECK(bare.word(stripe + 240) == (dict | 3));
    CHECK(bare.word(stripe + 88) == (table << 8 | 128 | 3));
    CHECK(bare.word(stripe + 96) == (u64{1} << 32 | 1));
    CHECK(bare.word(stripe + 104) == 1);
    CHECK(bare.word(stripe + 112) == 1);
    const u64 entry = table + 16 * 4, meta = bare.word(entry);
    CHECK(meta == (0x171389d84c820000ull | 3 << 8 | 8));  // two bytes of key, eight of value
    CHECK(bare.word(entry + 8) == 1);
    CHECK(bare.word(entry + 16) == 1);
    CHECK(bare.word(entry + 24) == 0x6101);
    CHECK(bare.word(entry + 32) == 0);
    CHECK(bare.word(entry + 40) == 0);
    const u64 place = (meta >> 16) % 16;
    for (u64 i = 0; i < 16; ++i) {
      const u32 expected = i == place ? static_cast<u32>((meta >> 48 & 0xFF) << 24 | 1) : 0;
      CHECK(bare.half(table + 4 * i) == expected);
    }
  }
  // The dict of handles
  {
    const u64 dict = bare.word(slot(3) + 16), entry = dict + 384 + 64;
    CHECK(bare.word(dict + 8) == (9 << split_shift | handles_config));
    CHECK((bare.word(entry) & 0xF) == 10);
    CHECK(bare.word(entry + 16) == numbers_ref);
  }
}

}  // namespace partage::test
