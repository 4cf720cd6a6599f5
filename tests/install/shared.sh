#!/bin/bash
# Builds the library shared, installs it, and builds and runs a foreign program on it:  shared.sh SOURCE SCRATCH CMAKE COMPILER
set -eu
source=$1 scratch=$2 cmake=$3 compiler=$4
rm -rf "$scratch"
mkdir -p "$scratch"
trap 'rm -rf "$scratch"' EXIT

fail() { printf 'FAILED: %s\n' "$1"; exit 1; }
run() { "${@:2}" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$1"; }; }  # run SENTENCE COMMAND...

run "not configured" "$cmake" -S "$source" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_COMPILER="$compiler" -DBUILD_SHARED_LIBS=ON -DPARTAGE_BUILD_PROGRAM=OFF -DPARTAGE_BUILD_TESTS=OFF -DPARTAGE_BUILD_EXAMPLES=OFF
run "not built" "$cmake" --build "$scratch/build" -j 2
run "not installed" "$cmake" --install "$scratch/build" --prefix "$scratch/prefix"
library=$(find "$scratch/prefix" -name libpartage.so)
[ -n "$library" ] || fail "no shared library is installed"
[ -z "$(find "$scratch/prefix" -name '*.a')" ] || fail "a static library is installed beside the shared one"

# What it shows to the world is the public interface; the kernel, the server and the standard library's insides stay inside.
nm -DC --defined-only "$library" >"$scratch/symbols"
inside=$(grep -E ' [TDBR] (partage::(kernel|schema|server)::|boost::)' "$scratch/symbols" | head -5 || true)
[ -z "$inside" ] || { grep -cE ' [TDBR] (partage::(kernel|schema|server)::|boost::)' "$scratch/symbols"; fail "the library shows its inside: $inside"; }

flags=$(PKG_CONFIG_PATH=$(dirname "$(find "$scratch/prefix" -name partage.pc)") pkg-config --cflags --libs partage)
run "the consumer does not compile" sh -c \
  "'$compiler' -std=c++20 '$source/tests/install/consumer/main.cpp' -o '$scratch/app' $flags -Wl,-rpath,'$(dirname "$library")'"
expected="[1, 2, 3, 4] {'valeur': 1}"
output=$(timeout 60 "$scratch/app" </dev/null) || fail "the consumer ends with status $?"
[ "$output" = "$expected" ] || fail "the consumer prints '$output' and not '$expected'"
echo "the consumer prints $output; $(wc -l <"$scratch/symbols") symbols are shown"
