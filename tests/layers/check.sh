#!/bin/bash
# Checks that includes point down the layers:  check.sh PROJECT_DIRECTORY   or   check.sh --self-test
#
#   manager/include/partage    <partage/...> of manager/include
#   manager/LAYER              <partage/...> of manager/include, "manager/LAYER/..." of itself and of the layers before it:
#                              platform, journal, segment, container, schema, registry, server, tool
#   proxy/include/partage      <partage/...>
#   the rest of proxy          <partage/...>, "manager/...", "proxy/..."
#   examples                   <partage/...>, "x.hpp" beside them
#   compile_fail               <partage/...>; its kernel_*.cpp look inside: anything
#   the rest of tests          anything
#
# Each file of the library and of the tests is spelled from the project's root ("manager/journal/x.hpp") or as <partage/...>,
# never relatively.
set -u
export LC_ALL=C

check() {
  cd "$1" || return 1
  # One line per include: file, line number, and the name with its quotes or brackets.
  find manager proxy examples tests -type f \( -name '*.hpp' -o -name '*.cpp' \) 2>/dev/null | sort |
    xargs -r awk '/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      sub(/^[ \t]*#[ \t]*include[ \t]*/, ""); closing = substr($0, 1, 1) == "<" ? ">" : "\""
      print FILENAME, FNR, substr($0, 1, index(substr($0, 2), closing) + 1) }' |
    PUBLIC=$(cd manager/include 2>/dev/null && find partage -name '*.hpp' | sed 's/^/lower /'
             cd ../../proxy/include 2>/dev/null && find partage -name '*.hpp' | sed 's/^/upper /') awk '
      BEGIN {
        count = split("platform journal segment container schema registry server tool", order, " ")
        for (i = 1; i <= count; i++) rank[order[i]] = i
        count = split(ENVIRON["PUBLIC"], word, /[ \n]+/)
        for (i = 1; i < count; i += 2) {
          if (word[i + 1] in home)
            complain(word[i + 1] " stands in manager/include and in proxy/include: the installed headers share one directory")
          home[word[i + 1]] = word[i]
        }
      }
      function complain(sentence) { print sentence "."; bad = 1 }
      {
        where = $1 ":" $2
        name = substr($3, 2, length($3) - 2)
        angled = substr($3, 1, 1) == "<"
        split($1, at, "/"); split(name, to, "/")

        if (at[1] == "manager" && at[2] != "include" && !(at[2] in rank)) {
          complain($1 " is in none of the layers of manager/"); next
        }
        if (angled && to[1] != "partage") {
          if (to[1] == "manager" || to[1] == "proxy")
            complain(where ": " $3 " is spelled with quotes, because it is not installed")
          next                                        # the standard library, the system, Boost
        }
        if (!angled && to[1] == "partage") {
          complain(where ": public headers are spelled <" name ">, as their users spell them"); next
        }
        if (angled && !(name in home)) { complain(where ": there is no public header " $3); next }

        if (at[1] == "tests" && (at[2] != "compile_fail" || at[3] ~ /^kernel_/)) next
        if (at[1] == "manager") {
          if (angled) {
            if (home[name] == "upper") complain(where ": manager/ knows nothing of the proxies, and " $3 " is one of their headers")
          } else if (at[2] == "include")
            complain(where ": a public header includes public headers only, and " $3 " is never installed")
          else if (to[1] != "manager")
            complain(where ": " $3 " is neither <partage/...> nor spelled \"manager/LAYER/...\"")
          else if (!(to[2] in rank))
            complain(where ": " $3 " is in none of the layers of manager/")
          else if (rank[to[2]] > rank[at[2]])
            complain(where ": the layer " at[2] " is below " to[2] " and must not include " $3)
        } else if (!angled) {
          if (at[1] == "proxy" && at[2] != "include") {
            if (to[1] != "manager" && to[1] != "proxy")
              complain(where ": " $3 " is not spelled from the root of the project, \"proxy/...\" or \"manager/...\"")
          } else if (at[1] == "proxy")
            complain(where ": a public header includes public headers only, and " $3 " is never installed")
          else if (at[1] != "examples" || index(name, "/"))
            complain(where ": this is a user of the library and includes <partage/...> only, not " $3)
        }
      }
      END { exit bad }'
}

# Builds a small project that keeps the rules, then breaks each rule once and expects the sentence that says so.
self_test() {
  local root bad=0
  root=$(mktemp -d); trap "rm -rf '$root'" EXIT
  write() { mkdir -p "$(dirname "$root/$1")"; printf '%s\n' "${@:2}" >"$root/$1"; }
  base() {
    rm -rf "${root:?}"/*
    write manager/include/partage/bytes.hpp '#include <vector>'
    write manager/include/partage/error.hpp '#include <partage/bytes.hpp>'
    write manager/platform/futex.hpp '#include <partage/error.hpp>' '#include <boost/interprocess/mapped_region.hpp>'
    write manager/journal/log.hpp '#include "manager/platform/futex.hpp"  // with a comment'
    write manager/segment/heap.cpp '#include "manager/journal/log.hpp"' '# include "manager/segment/heap.hpp"'
    write proxy/include/partage/list.hpp '#include <partage/bytes.hpp>' '// #include "manager/journal/log.hpp"'
    write proxy/engine/shm.cpp '#include "manager/server/server.hpp"' '#include "proxy/engine/x.hpp"' '#include <partage/list.hpp>'
    write examples/first.cpp '#include <partage/list.hpp>' '#include "beside.hpp"'
    write tests/manager/log.cpp '#include "manager/journal/log.hpp"' '#include "tests/support/x.hpp"'
  }
  expect() {  # expect SENTENCE FILE LINES...: the file breaks a rule
    local sentence=$1 output; shift
    base; write "$@"
    output=$(check "$root") && { echo "accepts $1: ${*:2}"; bad=1; return; }
    printf '%s\n' "$output" | grep -qF -- "$sentence" || { echo "says of $1: $output"; bad=1; }
  }
  base
  (check "$root") || { echo "refuses a project that keeps the rules"; bad=1; }
  expect 'journal is below segment' manager/journal/log.hpp '#include "manager/segment/heap.hpp"'
  expect 'platform is below server' manager/platform/a.cpp '' '  #  include "manager/server/b.hpp"'
  expect 'nothing of the proxies' manager/server/a.cpp '#include <partage/list.hpp>'
  expect 'nothing of the proxies' manager/include/partage/error.hpp '#include <partage/list.hpp>'
  expect 'neither <partage/...> nor' manager/server/a.cpp '#include "proxy/engine/x.hpp"'
  expect 'neither <partage/...> nor' manager/journal/a.cpp '#include "log.hpp"'
  expect 'never installed' manager/include/partage/error.hpp '#include "manager/platform/futex.hpp"'
  expect 'never installed' proxy/include/partage/list.hpp '#include "manager/journal/log.hpp"'
  expect 'none of the layers' manager/other/a.cpp '#include <vector>'
  expect 'none of the layers' manager/server/a.cpp '#include "manager/other/a.hpp"'
  expect 'spelled <partage/bytes.hpp>' proxy/include/partage/list.hpp '#include "partage/bytes.hpp"'
  expect 'spelled with quotes' proxy/engine/a.cpp '#include <manager/journal/log.hpp>'
  expect 'not spelled from the root' proxy/engine/a.cpp '#include "x.hpp"'
  expect 'no public header <partage/gone.hpp>' examples/first.cpp '#include <partage/gone.hpp>'
  expect 'a user of the library' examples/first.cpp '#include "manager/journal/log.hpp"'
  expect 'a user of the library' examples/first.cpp '#include "../tests/support/x.hpp"'
  expect 'a user of the library' tests/compile_fail/a.cpp '#include "manager/journal/log.hpp"'
  expect 'share one directory' proxy/include/partage/bytes.hpp ''
  [ $bad = 0 ] && echo "accepts and refuses what it should"
}

if [ "${1-}" = --self-test ]; then self_test; elif check "$1"; then echo "all includes point down"; else exit 1; fi
