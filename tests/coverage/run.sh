#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with clang's coverage, runs the suites that reach into lib/, and tells how many of its lines they reach and which of its
# error branches no test took. Outside of the default run: it takes several times as long.
#
#   tests/coverage/run.sh [-C BUILD] [-s SUITE]... [-k] [-n]
#     -C BUILD   build folder, default: build-coverage in the checkout
#     -s SUITE   only this suite (may be repeated)
#     -k         keep what earlier runs counted
#     -n         build and run nothing; only report on what ran before
# Lines that nothing reaches go to BUILD/lines.txt, branches that nothing took to BUILD/branches.txt; branches.py says what counts
# as one. Fails when a branch is neither taken nor explained in untaken.txt, or taken and explained all the same. Tests search as
# long as they do by default, scenario_test for every case, unless JZSE_CRASH_BUDGET or JZSE_PROP_BUDGET say otherwise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. examples/packages.sh

build=build-coverage suites=() run=yes keep=
while getopts 'C:s:kn' option; do
  case $option in
    C) build=$OPTARG ;;
    s) suites+=(--suite "$OPTARG") ;;
    k) keep=yes ;;
    n) run= ;;
    *) sed -n '6,10s/^# *//p' tests/coverage/run.sh >&2; exit 2 ;;
  esac
done
[ ${#suites[@]} -gt 0 ] || suites=(--suite unit --suite prop --suite sim --suite crash --suite fuzz --suite capi)

install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${COVERAGE_PACKAGES[@]}"
export CC=${CC:-$(compiler_words clang)} CXX=${CXX:-$(compiler_words clang++)}
profile='-fprofile-instr-generate' map='-fcoverage-mapping'
[ -f "$build/build.ninja" ] || meson setup "$build" --wrap-mode=nodownload -Doptimization=1 -Ddebug=false -Db_lundef=false \
  -Dbench=disabled -Dcli=disabled -Djzsed=disabled -Dpython=disabled "-Dc_args=$profile $map" "-Dcpp_args=$profile $map" \
  "-Dc_link_args=$profile" "-Dcpp_link_args=$profile" </dev/null
build=$(cd "$build" && pwd)
if [ -n "$run" ]; then
  [ -n "$keep" ] || find "$build" -name '*.profraw' -delete
  export COUNTS=$build
  meson test -C "$build" --timeout-multiplier 20 --wrapper "$PWD/tests/coverage/counted.sh" "${suites[@]}" </dev/null ||
    echo 'some tests failed' >&2
  JZSE_CRASH_BUDGET=${JZSE_CRASH_BUDGET:-100} tests/coverage/counted.sh "$build/tests/crash/scenario_test" ||
    echo 'scenario_test failed' >&2
fi
llvm-profdata merge -sparse -failure-mode=all "$build"/*.profraw -o "$build/coverage.profdata"
# Every program whose counters there may be, and the library, which has its own.
mapfile -t programs < <(find "$build"/tests/{unit,prop,sim,crash,fuzz,capi} -maxdepth 1 -type f -executable)
llvm-cov export -instr-profile "$build/coverage.profdata" "$build/lib/capi/libjzse.so" "${programs[@]/#/--object=}" "$PWD/lib" \
  >"$build/coverage.json"
python3 tests/coverage/lines.py . "$build/coverage.json" "$build/lines.txt"
echo "lines never reached: $build/lines.txt"
python3 tests/coverage/branches.py . "$build/coverage.json" "$build/branches.txt"
