#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian 12; sudo if not root), builds everything, runs every suite. The last line is
# "N passed, N failed"; the exit code is 0 only if something ran and nothing failed.
#
#   tests/run.sh [-C BUILD] [-s SUITE]... [-t MULTIPLIER] [-- MESON SETUP ARGUMENTS]
#     -C BUILD       build folder, default: build in the checkout
#     -s SUITE       only this suite (unit prop sim crash fuzz capi e2e python examples docs wheel checks tsan); may be repeated. Only
#                    on request: wheel, which builds and installs Python packages from their registry
#     -t MULTIPLIER  of every test's time limit, for slow builds
#   CC, CXX          compilers; default gcc and g++, through ccache where it is installed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. examples/packages.sh

usage() { sed -n '6,11s/^# *//p' tests/run.sh >&2; exit 2; }
build=build suites=() multiplier=1
while getopts 'C:s:t:' option; do
  case $option in
    C) build=$OPTARG ;;
    s) suites+=(--suite "$OPTARG") ;;  # 'checks' also inspects what is installed, so it wants `ninja` first
    t) multiplier=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
all=false
[ ${#suites[@]} -gt 0 ] || { all=true; suites=(--no-suite wheel); }

install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"
export CC=${CC:-$(compiler_words gcc)} CXX=${CXX:-$(compiler_words g++)}

# Dependencies come from the distribution only; a missing one is an error here, never a download. A build folder that
# examples/quickstart.sh made has no tests yet. Asked for some suites only, `meson test` builds what those need.
build_all() {
  if [ -f "$build/build.ninja" ]; then
    meson configure "$build" -Dtests=true -Dbench=auto "$@" </dev/null || return
  else
    meson setup "$build" --wrap-mode=nodownload "$@" </dev/null || return
  fi
  [ "$all" = false ] || { ninja -C "$build" </dev/null && rebuild=--no-rebuild; }
}
rebuild=
build_all "$@" || { echo "the build failed; no test ran" >&2; echo "0 passed, 1 failed"; exit 1; }

log=$build/meson-logs/testlog.json
rm -f "$log"
code=0
meson test -C "$build" $rebuild --print-errorlogs --timeout-multiplier "$multiplier" "${suites[@]}" \
  </dev/null || code=$?
[ -f "$log" ] || { echo "no test ran" >&2; echo "0 passed, 1 failed"; exit 1; }
tests/checks/summary.py "$log" || code=1
exit "$code"
