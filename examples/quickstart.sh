#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh checkout on Debian 12 to a store with a real tree in it: installs packages, builds, stores the tree,
# lists it, changes it, shows and restores versions, verifies, exports, and compares every byte with the original.
#
#   examples/quickstart.sh [TREE]      default TREE: /usr/include, the headers that the build needed anyway
#
# TREE is only read. The store stays in build/quickstart/store for you to try things on; the next run makes a new one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. examples/packages.sh
tree=$(realpath "${1:-/usr/include}")
[ -d "$tree" ] || { echo "quickstart: $tree is no directory" >&2; exit 2; }

say() { printf '\n# %s\n' "$*"; }
# Shows a command and runs it.
run() { printf '$ %s\n' "$*"; "$@"; }

say 'Packages and build (a few minutes the first time)'
install_packages "${BUILD_PACKAGES[@]}"
if [ ! -f build/build.ninja ]; then
  CC=${CC:-$(compiler_words gcc)} CXX=${CXX:-$(compiler_words g++)} \
    meson setup build --wrap-mode=nodownload -Dtests=false -Dbench=disabled >/dev/null </dev/null
fi
# On a terminal ninja shows its progress in one line.
if [ -t 1 ]; then
  ninja -C build server/cli/jzse </dev/null
else
  ninja -C build server/cli/jzse </dev/null | tail -n 1
fi

export PATH=$PWD/build/server/cli:$PATH JZSE_STORE=$PWD/build/quickstart/store
restored=$PWD/build/quickstart/restored
rm -rf build/quickstart
mkdir -p build/quickstart

say "Store a real tree: $tree"
run jzse init "$JZSE_STORE"
run jzse import "$tree" tree
say 'Again: only what changed is read, and nothing did'
run jzse import "$tree" tree

say 'Look at it'
run jzse ls -lh tree --limit 8
run jzse du -h -d 0 tree

say 'Change it: a note in three versions'
for word in first second third; do
  printf '$ echo "the %s draft" | jzse put - notes/draft.txt\n' "$word"
  echo "the $word draft" | jzse put - notes/draft.txt
done
run jzse versions notes/draft.txt
oldest=$(jzse --json versions notes/draft.txt | tail -n 1 | sed -E 's/.*"version": ?([0-9]+).*/\1/')
run jzse cat --version "$oldest" notes/draft.txt

say 'Delete the whole tree, in one atomic change, and think again about one file of it'
file=$(cd "$tree" && find . -type f | LC_ALL=C sort | sed -n '1s,^..,,p')
run jzse rm -r tree
run jzse restore "tree/$file"
run jzse stat "tree/$file"

say 'Bring all of it back; move it away and back again, which moves names only'
run jzse import "$tree" tree
run jzse mv tree elsewhere
run jzse mv elsewhere tree
run jzse log -n 3

say 'Check every byte on disk, then write it all out and compare with the original'
run jzse verify
run jzse export tree "$restored"
run diff -r --no-dereference "$tree" "$restored"
list() { (cd "$1" && find . \( -type f -o -type l \) -printf '%P %y %m %T@ %l\n' | LC_ALL=C sort); }
cmp <(list "$tree") <(list "$restored")
say "Identical, modes and times included. The store is yours to try: export JZSE_STORE=$JZSE_STORE"
