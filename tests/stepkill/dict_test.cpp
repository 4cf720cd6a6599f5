// Every mutating operation of the byte-level dict, killed after every instruction that changed the segment, repaired by
// another process, and the repair killed likewise.

#include "tests/stepkill/dict_bench.hpp"

#include "manager/container/dict_words.hpp"

namespace partage::test {
namespace {

using View = DictBench::View;
using kernel::KeyValue;
using kernel::u64;

struct Operation {
  const char* name;
  std::function<void(const View&)> run;
};

/// `only_new`: by insert().
void update(const View& v, DictBench::Which which, int from, int to, std::size_t size, bool only_new = false) {
  std::vector<std::string> text;
  for (int i = from; i < to; ++i) {
    text.push_back("key number " + std::to_string(i));
    text.push_back(std::string(size, static_cast<char>('0' + i % 10)));
  }
  std::vector<KeyValue> pairs;
  for (std::size_t i = 0; i < text.size(); i += 2) pairs.push_back({view(text[i]), view(text[i + 1])});
  if (only_new) {
    v.dict(which).insert(pairs);
  } else {
    v.dict(which).update(pairs);
  }
}

/// Calls an operation that takes keys.
void by_keys(const View& v, DictBench::Which which, void (kernel::Dict::*operation)(std::span<const BytesView>),
             const std::vector<std::string>& keys) {
  std::vector<BytesView> views;
  for (const std::string& k : keys) views.push_back(view(k));
  auto dict = v.dict(which);
  (dict.*operation)(views);
}
std::vector<std::string> keys_of(int from, int to) {
  std::vector<std::string> keys;
  for (int i = from; i < to; ++i) keys.push_back("key number " + std::to_string(i));
  return keys;
}

ShortKey key_three() {
  return {"key number 3", 12};
}

const std::vector<Operation>& operations() {
  static const std::vector<Operation> list = {
      {"dict set existing, inline", [](const View& v) { v.put(DictBench::eight, "key number 3", "333"); }},
      {"dict change_word",
       [](const View& v) { v.dict(DictBench::eight).change_word(key_three(), 1, [](u64 word) { return word + 1; }); }},
      {"dict set_word, existing", [](const View& v) { v.dict(DictBench::eight).set_word(key_three(), 1, 'z'); }},
      {"dict set_word, another size", [](const View& v) { v.dict(DictBench::eight).set_word(key_three(), 8, 7); }},
      {"dict set_word, new", [](const View& v) { v.dict(DictBench::eight).set_word(ShortKey("new", 3), 8, 7); }},
      {"dict set existing, other length", [](const View& v) { v.put(DictBench::eight, "key number 3", "33"); }},
      {"dict set existing, blob to blob", [](const View& v) { v.put(DictBench::one, "long", std::string(90, 'z')); }},
      {"dict set existing, inline to blob", [](const View& v) { v.put(DictBench::one, "k1", std::string(500, 'z')); }},
      {"dict set existing, blob to own run",
       [](const View& v) { v.put(DictBench::one, "long", std::string(2100, 'z')); }},
      {"dict set new, inline", [](const View& v) { v.put(DictBench::eight, "new", "1"); }},
      {"dict set new, blob key and value",
       [](const View& v) { v.put(DictBench::eight, std::string(50, 'n'), std::string(70, 'v')); }},
      {"dict set new, table grows", [](const View& v) { v.put(DictBench::one, "new", "1"); }},
      {"dict set new, table and arena grow",
       [](const View& v) { v.put(DictBench::one, std::string(30, 'q'), std::string(600, 'v')); }},
      {"dict set new, segment grows", [](const View& v) { v.put(DictBench::one, "huge", std::string(2500, 'v')); }},
      {"dict erase in the middle", [](const View& v) { v.dict(DictBench::one).erase(view("k3")); }},
      {"dict erase the last, blob", [](const View& v) { v.dict(DictBench::one).erase(view("long")); }},
      {"dict pop",
       [](const View& v) {
         Bytes out;
         v.dict(DictBench::eight).pop(view("key number 7"), out);
       }},
      {"dict popitem over 8 stripes",
       [](const View& v) {
         Bytes k, out;
         v.dict(DictBench::eight).popitem(k, out);
       }},
      {"dict setdefault, missing",
       [](const View& v) {
         Bytes out;
         v.dict(DictBench::eight).setdefault(view("absent"), view("x"), out);
       }},
      {"dict modify",
       [](const View& v) {
         v.dict(DictBench::one).modify(view("k2"), nullptr, [](BytesView, Bytes& next) {
           next.assign(view("modified"));
         });
       }},
      {"dict modify, initial",
       [](const View& v) {
         const BytesView zero = view("0");
         v.dict(DictBench::eight).modify(view("absent"), &zero, [](BytesView, Bytes& next) { next.assign(view("1")); });
       }},
      {"dict update, 1 stripe, growing", [](const View& v) { update(v, DictBench::one, 0, 12, 4); }},
      {"dict insert over 8 stripes", [](const View& v) { update(v, DictBench::eight, 40, 48, 40, true); }},
      {"dict update over 8 stripes, some new", [](const View& v) { update(v, DictBench::eight, 36, 44, 40); }},
      {"dict clear, 1 stripe", [](const View& v) { v.dict(DictBench::one).clear(); }},
      {"dict clear, 8 stripes", [](const View& v) { v.dict(DictBench::eight).clear(); }},
      {"dict store a handle", [](const View& v) { v.put_handle("new", DictBench::referent_b); }},
      {"dict replace a handle", [](const View& v) { v.put_handle("a", DictBench::referent_b); }},
      {"dict drop a handle", [](const View& v) { v.dict(DictBench::handles).erase(view("b")); }},
      {"dict pop a handle",
       [](const View& v) {
         Bytes out;
         v.dict(DictBench::handles).pop(view("a"), out);
       }},
      {"dict clear of handles", [](const View& v) { v.dict(DictBench::handles).clear(); }},
  };
  return list;
}

/// Those that give the dict more stripes.
const std::vector<Operation>& splits() {
  static const std::vector<Operation> list = {
      {"dict set new, 1 stripe splits into 8", [](const View& v) { v.put(DictBench::full_one, "new", "1"); }},
      {"dict setdefault, 1 stripe splits into 8",
       [](const View& v) {
         Bytes out;
         v.dict(DictBench::full_one).setdefault(view("new"), view(std::string(300, 'n')), out);
       }},
      {"dict set new, 16 stripes split into 32",
       [](const View& v) { v.put(DictBench::full_sixteen, DictBench::key_of_one_stripe(7), "new"); }},
      {"dict set new, handles, 1 stripe splits into 8",
       [](const View& v) { v.put_handle("new", DictBench::referent_b, DictBench::full_handles); }},
  };
  return list;
}

/// Those that take many keys.
const std::vector<Operation>& operations_on_many() {
  static const std::vector<Operation> list = {
      {"dict erase_many, a tail with a hole, blobs",
       [](const View& v) {
         by_keys(v, DictBench::one, &kernel::Dict::erase_many, {"long", "k6", "k2", "absent", "k2", "k5"});
       }},
      {"dict erase_many over 8 stripes",
       [](const View& v) { by_keys(v, DictBench::eight, &kernel::Dict::erase_many, keys_of(10, 20)); }},
      {"dict retain, 1 stripe",
       [](const View& v) {
         by_keys(v, DictBench::one, &kernel::Dict::retain, {"k1", "k3", "absent"});
       }},
      {"dict retain over 8 stripes, some empty afterwards",
       [](const View& v) { by_keys(v, DictBench::eight, &kernel::Dict::retain, keys_of(0, 4)); }},
      {"dict toggle, 1 stripe, growing",
       [](const View& v) {
         by_keys(v, DictBench::one, &kernel::Dict::toggle, {"long", "new", "k3", std::string(30, 'n'), "new", "k6"});
       }},
      {"dict toggle, 1 stripe, nothing new",
       [](const View& v) {
         by_keys(v, DictBench::one, &kernel::Dict::toggle, {"k0", "long"});
       }},
      {"dict toggle over 8 stripes",
       [](const View& v) { by_keys(v, DictBench::eight, &kernel::Dict::toggle, keys_of(36, 44)); }},
      {"dict erase_many of handles",
       [](const View& v) {
         by_keys(v, DictBench::handles, &kernel::Dict::erase_many, {"a", "b"});
       }},
      {"dict retain of handles",
       [](const View& v) {
         by_keys(v, DictBench::handles, &kernel::Dict::retain, {"plain", "a"});
       }},
      {"dict toggle of handles",
       [](const View& v) {
         by_keys(v, DictBench::handles, &kernel::Dict::toggle, {"a", "new"});
       }},
  };
  return list;
}

}  // namespace

TEST_CASE("dict: every operation and its repair, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  DictBench bench;
  StepkillReport report("STEPKILL dict");
  for (const Operation& op : operations()) bench.run(report, op.name, op.run, 6);
}

TEST_CASE("dict: every split and its repair, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  DictBench bench;
  StepkillReport report("STEPKILL dict, splits");
  for (const Operation& op : splits()) bench.run(report, op.name, op.run, 6);
}

TEST_CASE("dict: every operation on many keys and its repair, killed after every change of the segment") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  DictBench bench;
  StepkillReport report("STEPKILL dict, many keys");
  for (const Operation& op : operations_on_many()) bench.run(report, op.name, op.run, 6);
}

TEST_CASE("dict: real SIGKILLs at every change and at every instruction of lock, commit and unlock") {
  PARTAGE_SKIP_WITHOUT_STEPPING();
  DictBench bench;
  StepkillReport report("STEPKILL dict, real kills");
  CodeSet code = mutex_code();
  code.add_functions_named("kernel::RobustMutex::try_acquire").add_functions_named("kernel::RobustMutex::release");
  code.add_functions_named("kernel::Change::commit").add_functions_named("kernel::apply_log");
  for (const char* name : {"dict set existing, inline", "dict set new, inline", "dict erase in the middle"}) {
    const auto op = std::ranges::find_if(operations(), [&](const Operation& o) { return o.name == std::string(name); });
    check_atomic(report.add(real(bench.subject(op->name, op->run), Selection::changed_and(code))));
  }
}

TEST_SUITE("full:stepkill") {
  TEST_CASE("dict: a real SIGKILL at every instruction of every operation") {
    PARTAGE_SKIP_WITHOUT_STEPPING();
    DictBench bench;
    StepkillReport report("STEPKILL dict, every instruction");
    for (const auto* list : {&operations(), &splits(), &operations_on_many()}) {
      for (const Operation& op : *list)
        check_atomic(report.add(real(bench.subject(op.name, op.run), Selection::every())));
    }
  }
}

}  // namespace partage::test
