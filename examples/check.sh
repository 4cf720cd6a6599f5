#!/bin/bash
# Runs an example and compares what it prints with what is expected:  check.sh PROGRAM
# expected/NAME.txt: exactly this.  expected/NAME.sorted.txt: these lines, in any order.
# expected/NAME.check: a script that reads the output, as it is, and ends with status 1 if it is not as it should be;
# instead of these files, or beside one of them where the order of some lines says something.
# expected/NAME.sed, if it is there, first takes out of the output (sed -E) what may differ from run to run.
# expected/NAME.stdin, if it is there, is what the program reads.
set -u
export LC_ALL=C
name=$(basename "$1")
expected=$(dirname "$0")/expected/$name

input=/dev/null
[ ! -f "$expected.stdin" ] || input=$expected.stdin
output=$("$1" <"$input"; status=$?; printf '.'; exit $status)   # the dot keeps the ends of lines at the end
status=$?
[ $status = 0 ] || { printf '%s\nFAILED: %s ends with status %s\n' "${output%.}" "$name" "$status"; exit 1; }
same() { if [ -f "$expected.sed" ]; then sed -E -f "$expected.sed"; else cat; fi; }

if [ -f "$expected.txt" ]; then
  printf '%s' "${output%.}" | same | diff -u "$expected.txt" - ||
    { echo "FAILED: $name prints something else (+) than expected (-)"; exit 1; }
elif [ -f "$expected.sorted.txt" ]; then
  printf '%s' "${output%.}" | same | sort | diff -u <(sort "$expected.sorted.txt") - ||
    { echo "FAILED: $name prints other lines (+) than expected (-)"; exit 1; }
elif [ ! -f "$expected.check" ]; then
  printf '%s\n' "${output%.}" "FAILED: no $expected.txt, .sorted.txt or .check says what $name should print"
  exit 1
fi
if [ -f "$expected.check" ]; then
  printf '%s' "${output%.}" | bash "$expected.check" ||
    { printf '%s' "${output%.}"; echo "FAILED: $name prints what its check refuses"; exit 1; }
fi
