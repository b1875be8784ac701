#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a packager and an embedder get: `meson install` into an empty root, then a C and a C++ program outside the
# project, built from `pkg-config jzse` alone, that store and read a file with the installed library.
#
#   install.sh BUILD SOURCE PREFIX 'C COMPILER' 'C++ COMPILER'     (the build must be complete)
set -euo pipefail
build=$1 source=$2 prefix=$3 cc=$4 cxx=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0

fail() { echo "FAILED: $1" >&2; echo "$passed passed, 1 failed"; exit 1; }
ok() { echo "ok: $1"; passed=$((passed + 1)); }

root=$work/root
DESTDIR=$root meson install -C "$build" --no-rebuild >"$work/log" 2>&1 </dev/null || { cat "$work/log"; fail 'meson install'; }
ok 'meson install'

pc=$(find "$root" -name jzse.pc -printf '%h\n')
[ -n "$pc" ] || fail 'jzse.pc is installed'
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root
flags=$(pkg-config --cflags --libs jzse) || fail 'pkg-config --cflags --libs jzse'
# A library of the system that jzse.pc names by its path (LevelDB) is not below this root.
flags=$(for word in $flags; do
  case $word in "$root"/*) [ -e "$word" ] || word=${word#"$root"} ;; esac
  printf '%s ' "$word"
done)
libdir=$root$(PKG_CONFIG_SYSROOT_DIR= pkg-config --variable=libdir jzse)
ok "pkg-config: $(pkg-config --modversion jzse)"

for file in "include/jzse/jzse.h" "include/jzse/jzse.hpp" "include/jzse/values.hpp" "share/doc/jzse/LICENSE" "share/doc/jzse/CHANGELOG.md"; do
  [ -s "$root$prefix/$file" ] || fail "$file is installed"
done
[ "$(find "$root$prefix/include" -type f | wc -l)" = 3 ] || fail 'only jzse.h, jzse.hpp and values.hpp are public headers'
ok 'headers, licence and changelog are installed, and no private header'

if [ -e "$libdir/libjzse.a" ]; then  # default_library=static: the programs below show that jzse.pc names all it needs
  [ ! -e "$libdir/libjzse.so" ] || fail 'a static library only'
  ok 'a static library'
else
  readelf -d "$libdir/libjzse.so.0" | grep -q 'SONAME.*\[libjzse\.so\.0\]' || fail 'soname libjzse.so.0'
  [ "$(readlink -f "$libdir/libjzse.so")" = "$(readlink -f "$libdir/libjzse.so.0")" ] || fail 'libjzse.so points there'
  ! readelf -d "$libdir/libjzse.so.0" | grep -qE 'RPATH|RUNPATH' || fail 'the installed library has no run path'
  ok 'soname, links, no run path'
fi

cp "$source"/tests/checks/install/main.c* "$work"
cd "$work"
# shellcheck disable=SC2086  # flags and compilers are lists of words
{
  $cc -std=c99 -pedantic -Wall -Wextra -Werror main.c $flags -o from_c || fail 'an outside C program compiles'
  $cxx -std=c++20 -Wall -Wextra -Werror main.cc $flags -o from_cxx || fail 'an outside C++ program compiles'
}
export LD_LIBRARY_PATH=$libdir
./from_c "$work/store" || fail 'the C program stores and reads'
ok 'an outside C program'
./from_cxx "$work/store" || fail 'the C++ program stores and reads'
ok 'an outside C++ program'

if [ -x "$root$prefix/bin/jzse" ]; then
  "$root$prefix/bin/jzse" --version || fail 'the installed command runs'
  ok 'the installed command'
fi
echo "$passed passed, 0 failed"
