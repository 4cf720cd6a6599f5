// The data path does not wait for the manager: while its process is stopped, every operation goes on.

#include <doctest/doctest.h>

#include <partage/partage.hpp>
#include <string>

#include "tests/support/processes.hpp"

namespace partage::test {

TEST_CASE("while the manager is stopped, 1 000 operations of every kind succeed, in this process and in a child") {
  Manager manager({.max_size = std::size_t{256} << 20});
  const auto list = manager.list<std::string>();
  const auto dict = manager.dict<std::string, long>();
  const auto nested = manager.dict<int, ListProxy<int>>();
  const auto inner = manager.list<int>();
  pause_process(manager.pid());

  const auto work = [&] {
    for (int i = 0; i < 1000; ++i) {
      const std::string text(static_cast<std::size_t>(i % 90), 'x');
      list.append(text);
      list.insert(i / 2, text);
      list[0] = text;
      list.at(-1);
      list.pop(0);
      list.erase(-1);
      list.extend({text, text});
      list.assign_slice(0, 1, std::vector<std::string>{text});
      list.erase_slice(0, 1);
      list.modify(0, [](std::string& s) { s += "y"; });
      list.slice(0, 5);
      list.size();
      if (i % 50 == 0) {
        list.sort();
        list.reverse();
        list.copy();
        list.clear();
        list.append(text);
      }
      const std::string key = "key" + std::to_string(i);
      dict[key] = i;
      dict[key] += 1;
      dict.get(key);
      dict.setdefault(key, 0);
      dict.modify(key, [](long& v) { ++v; });
      dict.update({{key, 1}, {"other", 2}});
      dict.contains(key);
      dict.pop("other");
      if (i % 3 == 0) dict.erase(key);
      if (i % 7 == 0) {
        dict["last"] = i;
        dict.popitem();
      }
      dict.size();
      if (i % 100 == 0) {
        dict.items();
        dict.clear();
      }
      nested[i % 10] = inner;
      nested[i % 10].append(i);
      nested.at(i % 10).size();
      if (i % 2 == 0) nested.erase(i % 10);
      const auto made = manager.list<int>({1, 2});
      made.append(3);
    }
  };
  work();
  const auto child = run_child([&] { work(); }, std::chrono::seconds(60));
  resume_process(manager.pid());
  CHECK(child.ok());
  CHECK(manager.is_alive());
}

}  // namespace partage::test
