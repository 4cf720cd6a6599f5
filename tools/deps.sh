# Sourced by tests/run, tests/bench/run, examples/run, docs/build and tools/package. Installs the Debian packages that are missing;
# does nothing if none is.
#   partage_install PACKAGE...

PARTAGE_BUILD_PACKAGES="g++ cmake ninja-build ccache libboost1.81-dev libboost-serialization1.81-dev libboost-json1.81-dev
  libcli11-dev libspdlog-dev libncurses-dev"
PARTAGE_PACKAGE_PACKAGES="dpkg-dev file gzip"
PARTAGE_TEST_PACKAGES="doctest-dev pkgconf tmux $PARTAGE_PACKAGE_PACKAGES"
PARTAGE_FUZZ_PACKAGES="clang libclang-rt-14-dev"
PARTAGE_BENCH_PACKAGES="libhiredis-dev redis-server liblmdb-dev python3 gnuplot-nox valgrind"
PARTAGE_DOCS_PACKAGES="mkdocs doxygen"

partage_install() {
  local package missing=() root=() try
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Please install as root: ${missing[*]}" >&2; return 1; }
    root=(sudo)
  fi
  echo "installing ${missing[*]}"
  for try in 1 2 3; do
    "${root[@]}" apt-get -qq update </dev/null &&
      "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 install "${missing[@]}" </dev/null && return 0
    sleep $((try * 5))
  done
  echo "The packages could not be installed: ${missing[*]}" >&2
  return 1
}

# One job for each core.
partage_jobs() { echo "${PARTAGE_JOBS:-$(nproc)}"; }
