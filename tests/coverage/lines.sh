#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds with coverage, runs the suites unit, prop, crash and capi, and prints how many lines of each folder of lib/ they
# reach, and which they do not. Outside of the default run: it takes several times as long.
#
#   tests/coverage/lines.sh [-C BUILD] [-s SUITE]... [-k] [-n]
#     -C BUILD   build folder, default: build-coverage in the checkout
#     -s SUITE   only this suite (may be repeated)
#     -k         keep what earlier runs counted, of every file that has not been compiled again since
#     -n         run nothing; only report on what ran before
# The uncovered lines go to BUILD/coverage.txt, one "file: lines" each. Tests search with a small budget unless
# JZSE_CRASH_BUDGET or JZSE_PROP_BUDGET say otherwise: a line counts when it is reached once.
set -euo pipefail
build=build-coverage default_suites=(unit prop crash capi)
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
export CC=${CC:-$(compiler_words gcc)} CXX=${CXX:-$(compiler_words g++)}
# Threads count the same lines, and optimised code has lines that nobody can reach.
[ -f "$build/build.ninja" ] || meson setup "$build" --wrap-mode=nodownload -Db_coverage=true -Dbuildtype=debug \
  -Dbench=disabled -Dcli=disabled -Dc_args=-fprofile-update=atomic -Dcpp_args=-fprofile-update=atomic </dev/null
if [ -n "$run" ]; then
  [ -n "$keep" ] || find "$build" -name '*.gcda' -delete
  export JZSE_CRASH_BUDGET=${JZSE_CRASH_BUDGET:-0.1} JZSE_PROP_BUDGET=${JZSE_PROP_BUDGET:-0.1}
  # Builds what these suites need. A test that is killed for its time counts nothing.
  meson test -C "$build" --timeout-multiplier 20 "${suites[@]}" </dev/null || echo 'some tests failed' >&2
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
