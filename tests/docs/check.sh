#!/bin/bash
# Compiles every block of C++ of a page, runs what ends by itself, and compares what it prints with what the page says:
#   check.sh PAGE DIRECTORY COMPILER FLAGS... -- LIBRARIES...
#   check.sh --self-test COMPILER FLAGS... -- LIBRARIES...
# How a page says what a block is: split.awk. DIRECTORY is for what is built.
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What fragments find included.
prelude() {
  printf '#include <%s>\n' algorithm array chrono csignal cstdint cstdlib filesystem iostream map mutex numeric optional \
    set string string_view thread tuple utility vector unistd.h boost/serialization/string.hpp \
    boost/serialization/vector.hpp partage/partage.hpp
  echo 'using namespace std::chrono_literals;'
}

check() {
  local page=$1 out=$2 arguments=("${@:3}") compile=() libraries=() name bad=0
  name=${page##*/docs/}; [ "$name" != "$page" ] && name=docs/$name || name=${page##*/}
  while [ ${#arguments[@]} -gt 0 ] && [ "${arguments[0]}" != -- ]; do
    compile+=("${arguments[0]}"); arguments=("${arguments[@]:1}")
  done
  libraries=("${arguments[@]:1}")

  rm -rf "$out"; mkdir -p "$out"
  awk -v page="$name" -v out="$out" -f "$here/split.awk" "$page" || return 1
  [ -s "$out/todo" ] || [ -s "$out/fragments.cpp" ] || { echo "FAILED: $name has no block of C++"; return 1; }
  prelude >"$out/prelude.hpp"

  # -Wno-unused: an example that reads a value need not use it.
  compile+=(-Wall -Wextra -Wpedantic -Wconversion -Werror -Wno-unused -Wno-unused-result -fdiagnostics-color=never -I "$out")
  local source program verb kind line regex output expected
  for source in "$out"/fragments.cpp "$out"/program-*.cpp; do
    [ -f "$source" ] || continue
    program=${source%.cpp}
    "${compile[@]}" -c -o "$program.o" "$source" && "${compile[@]}" -o "$program" "$program.o" "${libraries[@]}" ||
      { echo "FAILED: $name: a block above does not compile"; bad=1; }
  done
  [ $bad = 0 ] || return 1

  local count=0
  while read -r verb kind line regex; do
    count=$((count + 1))
    case $verb in
      compile) continue ;;
      refuse)
        if output=$("${compile[@]}" -fsyntax-only "$out/refused-$line.cpp" 2>&1); then
          echo "FAILED: $name:$line compiles, but the page says that it does not"; bad=1
        elif ! grep -m1 'error:' <<<"$output" | grep -Eq -- "$regex"; then
          printf 'FAILED: %s:%s: the first error does not say: %s\n%s\n' "$name" "$line" "$regex" "$output"; bad=1
        fi
        continue ;;
    esac
    program=("$out/program-$line")
    [ "$kind" = program ] || program=("$out/fragments" "$line")
    # The dot keeps the ends of lines at the end.
    output=$(cd "$out" && timeout 60 "${program[@]}" </dev/null 2>"stderr-$line"; status=$?; printf '.'; exit $status) || {
      printf '%s' "${output%.}"; cat "$out/stderr-$line"
      echo "FAILED: $name:$line does not end with status 0"; bad=1; continue; }
    expected=$out/expected-$line
    if [ -f "$expected" ]; then
      printf '%s' "${output%.}" | diff -u --label "$name says" --label "$name:$line prints" "$expected" - || {
        echo "FAILED: $name:$line prints something else (+) than the page says (-)"; bad=1; }
    elif [ -n "${output%.}" ]; then
      printf '%s' "${output%.}"; echo "FAILED: $name:$line prints something, and the page does not say what"; bad=1
    fi
  done <"$out/todo"
  [ $bad = 0 ] && echo "$name: $count checks"
}

# check() is given pages that it must accept and pages that it must refuse, with a library of three lines.
self_test() {
  local directory bad=0 page
  directory=$(mktemp -d); trap "rm -rf '$directory'" EXIT
  prelude() {
    printf '%s\n' '#include <cstdlib>' '#include <iostream>' \
      'namespace partage { struct Manager { int size = 3; }; inline void init(int, char**) {} }'
  }
  local program='int main() {' print='std::cout << manager.size << 1 << std::endl;'
  page() { printf '%s\n' "${@:2}" >"$directory/$1.md"; }
  cpp='```cpp' text='```text' end='```'
  page good_fragment "$cpp" "$print" "$end" '' 'It prints:' '' "$text" 31 "$end"
  page good_program "$cpp" '#include <iostream>' "$program" 'std::cout << 7 << std::endl;' '}' "$end" "$text" 7 "$end"
  page good_chain "$cpp" 'int a = 1;' "$end" '<!-- code: continues -->' "$cpp" 'std::cout << a << std::endl;' "$end" "$text" 1 "$end"
  page good_words '<!-- code: declarations -->' "$cpp" '#include <vector>' 'struct A { std::vector<int> v; };' "$end" \
    '<!-- code: given A a{{4}}; -->' "$cpp" 'std::cout << a.v[0] << std::endl;' "$end" "$text" 4 "$end" \
    '<!-- code: refused no member named -->' "$cpp" 'A().w = 1;' "$end" \
    '<!-- code: compiled only -->' "$cpp" 'std::abort();' "$end"
  page bad_fragment "$cpp" 'nothing();' "$end"
  page bad_program "$cpp" "$program" 'nothing();' '}' "$end"
  page bad_output "$cpp" "$print" "$end" "$text" 32 "$end"
  page bad_program_output "$cpp" '#include <iostream>' "$program" 'std::cout << 7 << std::endl;' '}' "$end" "$text" 8 "$end"
  page bad_silence "$cpp" "$print" "$end"
  page bad_exception "$cpp" 'throw 1;' "$end"
  page bad_status "$cpp" "$program" 'return 3;' '}' "$end"
  page bad_refusal '<!-- code: refused has no member -->' "$cpp" 'int a = 1;' "$end"
  page bad_reason '<!-- code: refused has no member -->' "$cpp" 'nothing();' "$end"
  page bad_warning "$cpp" 'unsigned a = 1; int b = -1; if (a < b) std::abort();' "$end"
  page bad_word '<!-- code: hopefully -->' "$cpp" 'int a = 1;' "$end"
  page bad_comment '<!-- code: continues -->' 'and no block'
  page bad_chain '<!-- code: continues -->' "$cpp" 'int a = 1;' "$end"
  page bad_end "$cpp" 'int a = 1;'
  page bad_empty 'no C++'
  for page in "$directory"/*.md; do
    case $page in
      */good_*) check "$page" "$directory/out" "$@" >"$directory/log" 2>&1 ||
        { echo "refuses $(basename "$page")"; cat "$directory/log"; bad=1; } ;;
      *) ! check "$page" "$directory/out" "$@" >"$directory/log" 2>&1 || { echo "accepts $(basename "$page")"; bad=1; } ;;
    esac
  done
  [ $bad = 0 ] && echo "accepts and refuses what it should"
}

if [ "${1-}" = --self-test ]; then shift; self_test "$@"; else check "$@"; fi
