#!/bin/bash
# Asks gdb, with the printers of tools/gdb, what a small program shares:  check.sh SOURCE COMPILER LIBRARY FLAG...
set -eu
source=$1 compiler=$2 library=$3
shift 3
fail() { printf 'FAILED: %s\n' "$1"; exit 1; }
command -v gdb >/dev/null || { echo "gdb is not installed, so its printers have not been tried"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$compiler" -std=c++20 -g -O0 -I"$source" -I"$source/manager/include" -I"$source/proxy/include" "$source/tests/gdb/program.cpp" \
  -o "$scratch/program" "$library" "$@" -lboost_serialization -lboost_json -pthread || fail "the program does not compile"
show=()
for what in numbers words nested stock names value array lists nothing bytes header stripe stripe.mutex header.service '*segment' \
            numbers.list_.object_; do
  show+=(-ex "printf \"$what: \"" -ex "output $what" -ex 'printf "\n"')
done
timeout 120 gdb -nx -batch -iex 'set debuginfod enabled off' -ex "source $source/tools/gdb/partage.py" -ex 'break stop_here' \
  -ex 'set breakpoint pending off' -ex run -ex up "${show[@]}" \
  -ex 'set print elements 3' -ex 'printf "many: "' -ex 'output many' -ex 'printf "\n"' -ex kill "$scratch/program" \
  >"$scratch/out" 2>&1 </dev/null || { cat "$scratch/out"; fail "gdb ends with status $?"; }

check() {  # check WHAT REGEX
  grep -qE "^$1: $2$" "$scratch/out" || { cat "$scratch/out"; fail "gdb does not show $1 as '$2'"; }
}
check numbers 'partage::ListProxy of object #[0-9]+, 3 elements = \{1, -2, 3\}'
check words 'partage::ListProxy of object #[0-9]+, 3 elements = \{"short", "x{40}", "a \\"b\\""\}'
check nested 'partage::ListProxy of object #[0-9]+, 2 elements = \{\{0.5, 1.5\}, \{\}\}'
check stock 'partage::DictProxy of object #[0-9]+, 2 elements = \{"apples": 3, "a key that is too long to lie in its entry": 4\}'
check many 'partage::DictProxy of object #[0-9]+, 1000 elements = \{0: "0", 1: "1", 2: "2", \.\.\.\}'
check names 'partage::SetProxy of object #[0-9]+, 2 elements = \{"x", "y"\}'
check value 'partage::Value of object #[0-9]+, 1 element = \{2.5\}'
check array 'partage::Array of object #[0-9]+, 2 elements = \{7, 8\}'
number=$(sed -n 's/^numbers: .*object #\([0-9]*\),.*/\1/p' "$scratch/out")
check lists "partage::ListProxy of object #[0-9]+, 1 element = \\{object #$number\\}"
check nothing 'partage::ListProxy of nothing'
check bytes '2 bytes <abcd>'
check header "segment 'gdb-test', format [0-9]+, live: [0-9]+ of 8388608 bytes committed, manager process 0 .*, 0 repairs"
check stripe 'stripe \(registry\) of the body at [0-9]+: lock held by thread [0-9]+, sequence [0-9]+ \(window closed\), nothing decided'
check stripe.mutex 'held by thread [0-9]+'
check header.service 'free'
check '\*segment' "segment 'gdb-test', .* mapped at 0x[0-9a-f]+"
check numbers.list_.object_ "object #$number, [0-9]+ handles? in this process"
echo "gdb shows what is shared"
