#!/bin/bash
# Installs the library and builds and runs a foreign project on it:  check.sh SOURCE BUILD CMAKE COMPILER
set -eu
source=$1 build=$2 cmake=$3 compiler=$4
here=$source/tests/install
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { printf 'FAILED: %s\n' "$1"; exit 1; }

# The first program is shown four times. It is the same one.
cmp "$here/consumer/main.cpp" "$source/examples/first_program.cpp" || fail "the consumer is not examples/first_program.cpp"
for page in README.md docs/index.md; do
  awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$source/$page" |
    cmp - "$source/examples/first_program.cpp" || fail "the first program of $page is not examples/first_program.cpp"
done

run() { "${@:2}" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$1"; }; }  # run SENTENCE COMMAND...

run "no installation" "$cmake" --install "$build" --prefix "$scratch/prefix"

strange=$(cd "$scratch/prefix/include" && find . -type f ! -path './partage/*.hpp')
[ -z "$strange" ] || fail "installed, but not a public header: $strange"
inside=$(grep -rnE '#[[:space:]]*include[[:space:]]*["<](manager|proxy)/' "$scratch/prefix/include" || true)
[ -z "$inside" ] || fail "an installed header includes one that is not installed: $inside"

"$scratch/prefix/bin/partage" --version | grep -q '^partage [0-9]' || fail "the installed program does not run"
grep -qx "ExecStart=$scratch/prefix/bin/partage serve %I" "$scratch/prefix/lib/systemd/user/partage@.service" ||
  fail "the unit of systemd does not start the installed program"

# Nothing may come from the source or build tree: the project is copied away and knows the prefix only.
cp -r "$here/consumer" "$scratch/consumer"
run "the consumer is not configured" "$cmake" -S "$scratch/consumer" -B "$scratch/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix"
run "the consumer does not compile" "$cmake" --build "$scratch/build"

expected="[1, 2, 3, 4] {'valeur': 1}"
output=$(timeout 60 "$scratch/build/app" </dev/null) || fail "the consumer ends with status $?"
[ "$output" = "$expected" ] || fail "the consumer prints '$output' and not '$expected'"
echo "the consumer prints $output"

# By pkg-config, from a place the installation was moved to.
mv "$scratch/prefix" "$scratch/moved"
pc=$(find "$scratch/moved" -name partage.pc)
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs partage) || fail "pkg-config does not know partage"
run "the consumer does not compile by pkg-config" \
  sh -c "'$compiler' -std=c++20 '$scratch/consumer/main.cpp' -o '$scratch/by-pkg-config' $flags"
output=$(timeout 60 "$scratch/by-pkg-config" </dev/null) || fail "the consumer by pkg-config ends with status $?"
[ "$output" = "$expected" ] || fail "the consumer by pkg-config prints '$output' and not '$expected'"
mv "$scratch/moved" "$scratch/prefix"

# Components: what a program needs to run, to be built, and the tools; together everything.
for component in library dev tools; do
  run "the component $component is not installed" \
    "$cmake" --install "$build" --prefix "$scratch/components" --component "$component"
done
diff <(cd "$scratch/prefix" && find . | sort) <(cd "$scratch/components" && find . | sort) >"$scratch/log" ||
  { cat "$scratch/log"; fail "the components together are not the whole"; }
