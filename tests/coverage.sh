#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with coverage, runs the suites unit, prop, crash and capi, and prints how many lines of each folder of lib/ they
# reach, and which they do not. Outside of the default run: it takes several times as long.
#
#   tests/coverage.sh [-C BUILD] [-s SUITE]... [-n]
#     -C BUILD   build folder, default: build-coverage in the checkout
#     -s SUITE   only this suite (may be repeated)
#     -n         run nothing; only report on what ran before
# The uncovered lines go to BUILD/coverage.txt, one "file: lines" each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. examples/packages.sh

usage() { sed -n '6,11s/^# *//p' tests/coverage.sh >&2; exit 2; }
build=build-coverage suites=() run=yes
while getopts 'C:s:n' option; do
  case $option in
    C) build=$OPTARG ;;
    s) suites+=(--suite "$OPTARG") ;;
    n) run= ;;
    *) usage ;;
  esac
done
[ ${#suites[@]} -gt 0 ] || suites=(--suite unit --suite prop --suite crash --suite capi)

install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${COVERAGE_PACKAGES[@]}"
export CC=${CC:-$(compiler_words gcc)} CXX=${CXX:-$(compiler_words g++)}
# Threads count the same lines, and optimised code has lines that nobody can reach.
[ -f "$build/build.ninja" ] || meson setup "$build" --wrap-mode=nodownload -Db_coverage=true -Dbuildtype=debug \
  -Dbench=disabled -Dcli=disabled -Dc_args=-fprofile-update=atomic -Dcpp_args=-fprofile-update=atomic </dev/null
if [ -n "$run" ]; then
  ninja -C "$build" </dev/null
  find "$build" -name '*.gcda' -delete
  meson test -C "$build" --no-rebuild --timeout-multiplier 10 "${suites[@]}" </dev/null || echo 'some tests failed' >&2
fi
gcovr --root . --object-directory "$build" --filter 'lib/' --exclude-throw-branches --json "$build/coverage.json" "$build" >/dev/null
python3 - "$build/coverage.json" "$build/coverage.txt" <<'PYTHON'
import collections, json, sys

FOLDERS = ('base', 'model', 'io', 'store', 'engine', 'capi')
total, reached, missed = collections.Counter(), collections.Counter(), {}
for file in json.load(open(sys.argv[1]))['files']:
    lines = {line['line_number']: False for line in file['lines'] if not line.get('gcovr/noncode')}
    for line in file['lines']:
        if not line.get('gcovr/noncode'):
            lines[line['line_number']] |= line['count'] > 0
    folder = file['file'].split('/')[1]
    total[folder] += len(lines)
    reached[folder] += sum(lines.values())
    missed[file['file']] = sorted(number for number, hit in lines.items() if not hit)

def spans(numbers):
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ' '.join(str(a) if a == b else f'{a}-{b}' for a, b in parts)

with open(sys.argv[2], 'w') as out:
    for name in sorted(missed):
        if missed[name]:
            print(f'{name}: {spans(missed[name])}', file=out)
for folder in FOLDERS:
    if total[folder]:
        print(f'{folder:8} {100 * reached[folder] / total[folder]:5.1f} % of {total[folder]} lines')
PYTHON
echo "uncovered lines: $build/coverage.txt"
