#!/bin/bash
# Checks one program that must not compile:  check.sh FILE.cpp COMPILER FLAGS...   or   check.sh --self-test COMPILER FLAGS...
#
# The first line of the file is `// expect: REGEX` (as grep -E). The program must fail to compile, and REGEX must be found
# in the first line that says `error:`, or in the text of a failed static_assert that belongs to that first error.
# With -DPARTAGE_CONTROL the same file must compile: that proves that it fails for the reason it names, and for no other.
set -u
export LC_ALL=C

fail() { printf 'FAILED: %s\n' "$1"; [ $# -lt 2 ] || printf '%s\n' "$2" | head -n 40; return 1; }

check() {
  local file=$1; shift
  local regex output block
  regex=$(sed -n '1s,^// expect: ,,p' "$file")
  [ -n "$regex" ] || { fail "$file: its first line must be '// expect: REGEX'"; return; }
  grep -q 'PARTAGE_CONTROL' "$file" || { fail "$file: it has no PARTAGE_CONTROL part"; return; }

  output=$("$@" -fsyntax-only -fdiagnostics-color=never -DPARTAGE_CONTROL "$file" 2>&1) ||
    { fail "$file: the control does not compile, so the failure proves nothing" "$output"; return; }
  if output=$("$@" -fsyntax-only -fdiagnostics-color=never "$file" 2>&1); then
    fail "$file: it compiles, but should be refused with: $regex"; return
  fi

  # The first error, and what the compiler says about it up to the next error.
  block=$(printf '%s\n' "$output" | awk '/error:/ { if (++errors == 2) exit; print; next } errors && /static.assert/')
  printf '%s\n' "$block" | grep -Eq -- "$regex" ||
    { fail "$file: the first error does not say: $regex" "$output"; return; }
  printf 'refused as it should be: %s\n' "$(printf '%s\n' "$block" | grep -Em1 -- "$regex")"
}

# check() is given what it must accept and what it must refuse.
self_test() {
  local directory bad=0
  directory=$(mktemp -d); trap "rm -rf '$directory'" EXIT
  write() { printf '%s\n' "${@:2}" >"$directory/$1.cpp"; }
  write good '// expect: store a value' 'template <class T> struct A { static_assert(sizeof(T) == 1, "store a value"); };' \
    '#ifdef PARTAGE_CONTROL' 'A<char> a;' '#else' 'A<int> a;' '#endif'
  write compiles '// expect: store a value' '#ifdef PARTAGE_CONTROL' '#else' '#endif'
  write other_reason '// expect: store a value' '#ifdef PARTAGE_CONTROL' '#else' 'int a = nothing;' '#endif'
  write second_error '// expect: store a value' '#ifdef PARTAGE_CONTROL' '#else' 'int a = nothing;' \
    'static_assert(false, "store a value");' '#endif'
  write broken_control '// expect: store a value' 'int b = nothing;' '#ifdef PARTAGE_CONTROL' '#else' \
    'static_assert(false, "store a value");' '#endif'
  write no_expectation '#ifdef PARTAGE_CONTROL' '#else' 'static_assert(false, "store a value");' '#endif'
  write no_control '// expect: store a value' 'static_assert(false, "store a value");'
  local file
  for file in "$directory"/*.cpp; do
    case $file in
      */good.cpp) check "$file" "$@" >/dev/null || { echo "refuses $(basename "$file")"; bad=1; } ;;
      *) ! check "$file" "$@" >/dev/null || { echo "accepts $(basename "$file")"; bad=1; } ;;
    esac
  done
  [ $bad = 0 ] && echo "accepts and refuses what it should"
}

if [ "${1-}" = --self-test ]; then shift; self_test "$@"; else check "$@"; fi
