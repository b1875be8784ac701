#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with clang's coverage, runs the suites unit, prop and crash, and tells which error branches of lib/ no test took
# (error_branches.py says what counts). Outside of the default run: it takes several times as long.
#
#   tests/coverage/branches.sh [-C BUILD] [-s SUITE]... [-k] [-n]
#     -C BUILD   build folder, default: build-branches in the checkout
#     -s SUITE   only this suite (may be repeated)
#     -k         keep what earlier runs counted
#     -n         run nothing; only report on what ran before
# The list goes to BUILD/branches.txt. Tests search with a small budget unless JZSE_CRASH_BUDGET or JZSE_PROP_BUDGET say
# otherwise: a branch counts when it is taken once.
set -euo pipefail
build=build-branches default_suites=(unit prop crash)
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
export CC=${CC:-$(compiler_words clang)} CXX=${CXX:-$(compiler_words clang++)}
profile='-fprofile-instr-generate' map='-fcoverage-mapping'
[ -f "$build/build.ninja" ] || meson setup "$build" --wrap-mode=nodownload -Doptimization=1 -Ddebug=false -Db_lundef=false \
  -Dbench=disabled -Dcli=disabled -Dpython=disabled "-Dc_args=$profile $map" "-Dcpp_args=$profile $map" \
  "-Dc_link_args=$profile" "-Dcpp_link_args=$profile" </dev/null
build=$(cd "$build" && pwd)
if [ -n "$run" ]; then
  [ -n "$keep" ] || find "$build" -name '*.profraw' -delete
  export JZSE_CRASH_BUDGET=${JZSE_CRASH_BUDGET:-0.1} JZSE_PROP_BUDGET=${JZSE_PROP_BUDGET:-0.1}
  # %m: the runs of one binary count together.
  LLVM_PROFILE_FILE="$build/%m.profraw" meson test -C "$build" --timeout-multiplier 20 "${suites[@]}" </dev/null ||
    echo 'some tests failed' >&2
fi
llvm-profdata merge -sparse "$build"/*.profraw -o "$build/branches.profdata"
mapfile -t tests < <(find "$build"/tests/{unit,prop,crash} -maxdepth 1 -type f -executable)
llvm-cov export -instr-profile "$build/branches.profdata" "${tests[@]/#/--object=}" |
  python3 tests/coverage/error_branches.py . "$build/branches.txt"
echo "branches never taken: $build/branches.txt"
