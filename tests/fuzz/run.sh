#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes: builds the targets with clang, libFuzzer and sanitizers, and runs them one after the other, each from the corpus
# in the tree and what earlier runs in the same build folder found. A line for README.md is printed after each.
#
#   tests/fuzz/run.sh [-f] [-C BUILD] [-t SECONDS] [-n EXECUTIONS] [-m] [TARGET...]
#     -f             fast: no sanitizers, and no steering that costs more than it finds, for many executions; the targets' own
#                    checks and those of the standard library stay
#     -C BUILD       build folder, default: build-fuzz in the checkout, build-fuzz-fast with -f
#     -t SECONDS     for each target, default 60
#     -n EXECUTIONS  for each target, default: as many as the time allows
#     -m             no fuzzing: adds to the tree what the runs found and the corpus there lacks, as few files as do it
#   TARGET           default: all. A finding stops its target only; it is left in BUILD/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. examples/packages.sh

usage() { sed -n '6,13s/^# *//p' tests/fuzz/run.sh >&2; exit 2; }
build=build-fuzz seconds=60 executions=-1 merge= steer=(-use_value_profile=1)
setup=(-Dbuildtype=debugoptimized -Db_sanitize=address,undefined)
while getopts 'fC:t:n:m' option; do
  case $option in
    f) build=build-fuzz-fast steer=(-entropic=0) setup=(-Dbuildtype=release) ;;
    C) build=$OPTARG ;;
    t) seconds=$OPTARG ;;
    n) executions=$OPTARG ;;
    m) merge=1 ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))

install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${CI_PACKAGES[@]}" "${FUZZ_PACKAGES[@]}"
if [ ! -f "$build/build.ninja" ]; then
  CC=$(compiler_words clang) CXX=$(compiler_words clang++) meson setup "$build" --wrap-mode=nodownload \
    -Dfuzz=enabled -Dbench=disabled -Db_lundef=false "${setup[@]}" </dev/null
fi
[ -n "${JZSE_FUZZ_NO_BUILD-}" ] || ninja -C "$build" fuzz </dev/null >&2
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for exe in "$build"/tests/fuzz/fuzz_*; do
    [ ! -x "$exe" ] || [ -d "$exe" ] || [[ $exe == *make_seeds ]] || targets+=("${exe##*/fuzz_}")
  done
fi

# One input may be slow under sanitizers, but none may hang or take memory without bound. The leak check stays on.
limits=(-timeout=20 -rss_limit_mb=1500 -malloc_limit_mb=600)
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
log=$build/fuzz.log code=0
mkdir -p "$build/findings"

# The options of a target that needs some, from the first lines of its file: "// libFuzzer: -max_len=..."
options_of() { sed -n '1,20s|^// libFuzzer: ||p' "tests/fuzz/$1.cc"; }

for target in "${targets[@]}"; do
  exe=$build/tests/fuzz/fuzz_$target found=$build/corpus/$target tree=tests/fuzz/corpus/$target
  mkdir -p "$found" "$tree"
  read -r -a options <<<"$(options_of "$target")"
  if [ -n "$merge" ]; then
    "$exe" -merge=1 -use_counters=0 "${limits[@]}" "${options[@]}" "$tree" "$found" 2>&1 | tail -n 1
    continue
  fi
  start=$SECONDS status=0 failed=0
  "$exe" -max_total_time="$seconds" -runs="$executions" -print_final_stats=1 "${steer[@]}" -close_fd_mask=1 \
    -artifact_prefix="$build/findings/$target-" "${limits[@]}" "${options[@]}" "$found" "$tree" </dev/null >"$log" 2>&1 || status=$?
  [ $status = 0 ] || [ $status = 72 ] || failed=1  # 72: interrupted
  done=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
  echo "| $commit | $target | ${done:-0} | $((SECONDS - start)) | $([ $failed = 0 ] && echo none || echo FINDING) |"
  if [ $failed != 0 ]; then
    code=1
    grep -E -A12 '^(fuzz:|check failed|.*runtime error:|==[0-9]+==ERROR)' "$log" | head -n 30 || tail -n 20 "$log"
    echo "replay: $exe $(ls -t "$build/findings/$target"-* | head -n 1)"
  fi
done
exit $code
