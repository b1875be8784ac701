# SPDX-License-Identifier: Apache-2.0
# The one list of Debian 12 packages that JzSE builds with, and how to get them. Sourced by bash scripts:
#   . examples/packages.sh; install_packages "${BUILD_PACKAGES[@]}"
# shellcheck shell=bash disable=SC2034

# Library and command.
BUILD_PACKAGES=(build-essential meson ninja-build pkgconf cmake ccache
  libabsl-dev libleveldb-dev libfmt-dev nlohmann-json3-dev libssl-dev liburing-dev libxxhash-dev libzstd-dev
  libutf8proc-dev libcli11-dev libtomlplusplus-dev libyaml-cpp-dev libboost1.81-dev)
# Tests on top of that.
TEST_PACKAGES=(catch2 python3 binutils python3-xxhash python3-zstandard doxygen python3-jsonschema)
# Tests of the Python package (suites python and wheel); building it needs the first two.
PYTHON_PACKAGES=(python3-cffi python3-dev python3-venv python3-pytest python3-hypothesis python3-numpy python3-pandas
  python3-fsspec python3-dask python3-matplotlib)
# What tests/kernel/run.sh wants: a kernel that runs as a process, file systems, a disk that fails on command.
KERNEL_PACKAGES=(user-mode-linux kmod dmsetup e2fsprogs xfsprogs btrfs-progs nbdkit nbd-client python3)
# What the tests of the web console want besides (suite console): a browser, about 400 MB with what it needs.
CONSOLE_PACKAGES=(chromium)
# Further contenders of bench/run, which leaves out what it does not find.
BENCH_PACKAGES=(librocksdb-dev libsqlite3-dev fio restic borgbackup casync valgrind nginx-light wrk)
# What .ci/run wants besides: the second compiler.
CI_PACKAGES=(clang)
# What tests/fuzz/run.sh wants besides: clang's libFuzzer and sanitizers, and names in their reports.
FUZZ_PACKAGES=(libclang-rt-14-dev llvm-14)
# What tests/coverage/run.sh wants besides.
COVERAGE_PACKAGES=(clang llvm)

# Installs what is missing of the packages named. Does nothing, and needs no network and no privilege, when all are
# there; on other distributions it says so and leaves the rest to Meson, which names what it lacks.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages: not a Debian system; install the equivalents of: $*" >&2
    return 0
  fi
  local package missing=() as_root=()
  for package in "$@"; do
    # The second letter is the state on disk: installed, or installed with triggers pending.
    [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == ?[itW]* ]] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "packages: missing, and there is no sudo to install them: ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "packages: installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq </dev/null >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2
}

# Puts ccache before a compiler where it is installed: compiler_words gcc -> "ccache gcc"
compiler_words() {
  if command -v ccache >/dev/null; then echo "ccache $1"; else echo "$1"; fi
}
