#!/bin/sh
# Builds the library with one defect and runs the test that has to catch it.
#
#   check.sh SOURCE BUILD NAME       builds in BUILD/defects; success when the test fails
#   check.sh --all SOURCE BUILD      every one of them, with a line for each
set -eu

catches() {
  source=$1 build=$2/defects name=$3
  defect=$source/tests/defects/$name.defect
  program=partage-test-$(sed -n 's/^program //p' "$defect")
  case=$(sed -n 's/^case //p' "$defect")
  filter=$(printf %s "$case" | tr , '?')  # a comma would begin another filter
  cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPARTAGE_BUILD_EXAMPLES=OFF \
    -DPARTAGE_DEFECT="$name" >"$build.log" 2>&1 || { cat "$build.log"; return 2; }
  cmake --build "$build" -j2 --target "$program" >>"$build.log" 2>&1 || { tail -30 "$build.log"; return 2; }
  if timeout 60 "$build/tests/$program" -tc="$filter" >>"$build.log" 2>&1; then
    grep -q 'test cases: *1 |' "$build.log" || { echo "$name: there is no test case '$case'"; return 2; }
    echo "MISSED  $name: '$case' passes with it"
    return 1
  fi
  echo "caught  $name  by '$case'"
}

if [ "$1" = --all ]; then
  missed=0
  for defect in "$2"/tests/defects/*.defect; do
    catches "$2" "$3" "$(basename "$defect" .defect)" || missed=$((missed + 1))
  done
  echo "$missed missed"
  [ "$missed" -eq 0 ]
else
  catches "$1" "$2" "$3"
fi
