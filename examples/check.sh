#!/bin/bash
# Runs an example and compares what it prints with what is expected:  check.sh PROGRAM
# expected/NAME.txt: exactly this.  expected/NAME.sorted.txt: these lines, in any order.
# expected/NAME.sed, if it is there, first takes out of the output (sed -E) what may differ from run to run.
set -u
export LC_ALL=C
name=$(basename "$1")
expected=$(dirname "$0")/expected/$name

output=$("$1" </dev/null; status=$?; printf '.'; exit $status)   # the dot keeps the ends of lines at the end
status=$?
[ $status = 0 ] || { printf '%s\nFAILED: %s ends with status %s\n' "${output%.}" "$name" "$status"; exit 1; }
same() { if [ -f "$expected.sed" ]; then sed -E -f "$expected.sed"; else cat; fi; }

if [ -f "$expected.txt" ]; then
  printf '%s' "${output%.}" | same | diff -u "$expected.txt" - ||
    { echo "FAILED: $name prints something else (+) than expected (-)"; exit 1; }
elif [ -f "$expected.sorted.txt" ]; then
  printf '%s' "${output%.}" | same | sort | diff -u <(sort "$expected.sorted.txt") - ||
    { echo "FAILED: $name prints other lines (+) than expected (-)"; exit 1; }
else
  printf '%s\nFAILED: neither %s.txt nor %s.sorted.txt says what %s should print\n' "${output%.}" "$expected" "$expected" "$name"
  exit 1
fi
