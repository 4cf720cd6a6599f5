#!/bin/bash
# Makes the Debian packages and looks at them as who installs them would, in a root of its own:  deb.sh SOURCE SCRATCH CMAKE COMPILER
set -eu
source=$1 scratch=$2 cmake=$3 compiler=$4
rm -rf "$scratch"
mkdir -p "$scratch/root"
trap 'rm -rf "$scratch"' EXIT

fail() { printf 'FAILED: %s\n' "$1"; exit 1; }
run() { "${@:2}" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$1"; }; }  # run SENTENCE COMMAND...
control() { dpkg-deb -f "$scratch"/packages/"$1"_*.deb "$2"; }                   # control PACKAGE FIELD

run "no packages" env -u DESTDIR "$source/tools/package" "$scratch/packages"
[ "$(ls "$scratch"/packages | wc -l)" = 3 ] || fail "these are not three packages: $(ls "$scratch"/packages)"
version=$(control libpartage0.1 Version)
expected="libpartage0.1 (= $version), libboost1.81-dev, libboost-serialization1.81-dev, libboost-json1.81-dev"
[ "$(control libpartage-dev Depends)" = "$expected" ] || fail "libpartage-dev depends on $(control libpartage-dev Depends)"
for package in libpartage0.1 partage; do
  control "$package" Depends | grep -q 'libboost-json1.81.0 .*libc6 .*libstdc++6 ' ||
    fail "$package does not name the libraries that it is linked with: $(control "$package" Depends)"
done

root=$scratch/root
for package in "$scratch"/packages/*.deb; do
  run "not unpacked: $package" dpkg-deb -x "$package" "$root"
  name=$(dpkg-deb -f "$package" Package)
  for file in copyright changelog.gz changelog.Debian.gz; do
    [ -s "$root/usr/share/doc/$name/$file" ] || fail "$name has no $file"
  done
done
grep -rlF "$scratch" "$root" >"$scratch/log" && { cat "$scratch/log"; fail "these files name the directory they were built in"; }
grep -qx "ExecStart=/usr/bin/partage serve %I" "$root/usr/lib/systemd/user/partage@.service" ||
  fail "the unit of systemd does not start the installed program"

# The program needs no other of the packages. What an installed library's users write works without the sources.
[ "$("$root/usr/bin/partage" --version)" = "partage ${version%-*}" ] || fail "the installed program does not run"
libraries=$(dirname "$(find "$root" -name libpartage.so)")
expected="[1, 2, 3, 4] {'valeur': 1}"
check() {  # check PROGRAM
  local output
  readelf -d "$1" | grep -qF 'Shared library: [libpartage.so.0.1]' || fail "$1 is not linked with libpartage.so.0.1"
  output=$(LD_LIBRARY_PATH=$libraries timeout 60 "$1" </dev/null) || fail "$1 ends with status $?"
  [ "$output" = "$expected" ] || fail "$1 prints '$output' and not '$expected'"
}
examples=$root/usr/share/doc/libpartage-dev/examples
flags=$(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --cflags --libs partage) || fail "pkg-config does not know partage"
run "the first program does not compile by pkg-config" \
  sh -c "'$compiler' -std=c++20 '$examples/first_program.cpp' -o '$scratch/by-pkg-config' $flags"
check "$scratch/by-pkg-config"
run "the examples are not configured" "$cmake" -S "$examples" -B "$scratch/examples" -G Ninja \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$root/usr"
run "the first program does not compile by CMake" "$cmake" --build "$scratch/examples" --target first_program
check "$scratch/examples/first_program"

library=$(cd "$libraries" && readlink -f libpartage.so)
[ -s "$root/usr/share/gdb/auto-load${library#"$root"}-gdb.py" ] && [ -s "$root/usr/share/partage/gdb/partage.py" ] ||
  fail "gdb would not find its printers"

if command -v lintian >/dev/null; then
  lintian --allow-root "$scratch"/packages/*.deb >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "lintian finds errors"; }
  grep '^[EW]:' "$scratch/log" && fail "lintian warns"
  echo "lintian finds nothing"
else
  echo "lintian is not installed, so it has not looked at the packages"
fi
echo "the packages are whole, and a program built with them prints $expected"
