#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that the tests catch planted bugs: run.py [OPTIONS] [BUG...]

    --build DIR     the build with -Dplanted=true, default: build-planted in the checkout
    --recorded      each bug only against what README.md says caught it (quick; the suite `planted`)
    --write         enters into README.md what was found
    --limit S       seconds for one bug, default 1200
    --jobs N        bugs at once, default: the number of processors
    --list          names, places and descriptions of the bugs

For each bug the tests of the gate run one after the other, the likeliest first, until one fails twice that passes with no bug
planted: then the bug is caught. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bugs import BUGS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
README = HERE / 'README.md'
GATE = ('unit', 'capi', 'crash', 'prop', 'e2e', 'sim')  # in the order in which a bug that nobody expects goes through them
CATCH2 = ('unit', 'prop', 'crash', 'hpp')
SCRATCH = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None  # no test here is about the real disk; memory is quicker
PATIENCE = 8      # a test that takes this many times its clean run hangs
PATIENCE_MIN = 30
HANG_TRIES = 6   # whether threads come to wait for ever is a matter of luck
HEADER = '| bug | in | what it does | caught by | s |\n|---|---|---|---|---|\n'
ROW = re.compile(r'^\| `([\w-]+)` \| (.*?) \| (.*) \| `(.*?)`(?:: (.*?))?( \(hangs\))? \| ([\d.]+) \|$', re.M)


RUNNING = set()


class Test:
    """A test of the build folder: its command, and whether a part of it can be chosen."""

    def __init__(self, described):
        self.name = described['name']
        self.suite = [s for suite in described['suite'] for s in suite.split(':')[-1:]]
        self.command = described['cmd']
        self.env = described['env']
        self.timeout = described['timeout']
        self.catch2 = self.name in CATCH2 or any(s in CATCH2 for s in self.suite)

    def words(self, case):
        if self.catch2:
            one = [re.sub(r'[\\,\[\]"~*]', lambda m: '\\' + m[0], case)] if case else []
            return self.command + ['--abort', '-w', 'NoTests', '-r', 'xml'] + one
        if self.name == 'jzse_sim' and case:
            return [self.command[0], '--replay', case.split()[-1]]
        return self.command

    def can_choose(self, case):
        return bool(case) and (self.catch2 or self.name == 'jzse_sim')

    def failed_case(self, output):
        """The part that failed, as words() takes it; '' if it cannot be told or chosen."""
        if self.catch2:
            cases = re.findall(r'<TestCase name="([^"]*)"', output)
            return html.unescape(cases[-1]) if cases else ''
        if self.name == 'jzse_sim':
            seed = re.search(r'^seed (\d+): ', output, re.M)
            return f'seed {seed[1]}' if seed else ''
        case = re.search(r'^FAILED: (\w+)$', output, re.M)
        return case[1] if case else ''


class Result:
    def __init__(self, failed, hung, case, seconds, output):
        self.failed, self.hung, self.case, self.seconds, self.output = failed, hung, case, seconds, output


def run(test, case, bug, seconds_max):
    """Runs one test, or a part of it, with a bug (None: without)."""
    env = {**os.environ, **test.env}
    env.pop('JZSE_PLANTED', None)
    if bug:
        env['JZSE_PLANTED'] = bug
    begin = time.monotonic()
    hung = False
    with tempfile.TemporaryDirectory(prefix='jzse-planted-', dir=SCRATCH) as folder:
        env['TMPDIR'] = folder
        with open(os.path.join(folder, 'output'), 'w+b') as out:
            process = subprocess.Popen(test.words(case), env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            RUNNING.add(process)
            try:
                # The simulation has failed when it says how to replay it; that it then shrinks it is not needed here.
                while process.poll() is None:
                    if time.monotonic() - begin > seconds_max:
                        hung = True
                        break
                    if test.name == 'jzse_sim' and b'\nreplay: ' in os.pread(out.fileno(), 1 << 20, 0):
                        break
                    time.sleep(0.02)
            finally:
                failed = process.poll() != 0
                stop(process)
            out.seek(0)
            output = out.read().decode('utf-8', 'replace')
    return Result(failed, hung, test.failed_case(output) if failed else '', time.monotonic() - begin, output)


def stop(process):
    """Ends a test that we started, with all that it started."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()
    RUNNING.discard(process)


def stop_all(*_):
    for process in list(RUNNING):
        os.killpg(process.pid, 9)
    os._exit(1)


def tests_of(build):
    described = json.loads(subprocess.run(['meson', 'introspect', '--tests', build], check=True, stdout=subprocess.PIPE).stdout)
    tests = [Test(d) for d in described]
    in_gate = [t for suite in GATE for t in tests if suite in t.suite]
    return {t.name: t for t in in_gate if os.path.exists(t.command[0])}


class Clean:
    """How long tests, or parts of them, take with no bug; each must pass."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seconds = {}
        self.failed = {}

    def prove(self, wanted, jobs):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            return all(list(pool.map(lambda w: self.passes(*w), dict.fromkeys(wanted))))

    def passes(self, test, case):
        key = test.name, case
        with self.lock:
            if key in self.failed:
                return not self.failed[key]
        result = run(test, case, None, test.timeout * 2)
        with self.lock:
            self.failed[key], self.seconds[key] = result.failed, result.seconds
        if result.failed:
            print(f'{test.name} {case} fails with no bug planted:\n{result.output[-3000:]}', flush=True)
        return not result.failed

    def limit(self, test, case):
        clean = self.seconds.get((test.name, case))
        return test.timeout * 2 if clean is None else max(PATIENCE_MIN, PATIENCE * clean)


def places():
    """For each bug the files that it is planted in."""
    found = {}
    for path in sorted((ROOT / 'lib').rglob('*.cc')):
        for name in re.findall(r'base::Planted\("([\w-]+)"\)', path.read_text()):
            files = found.setdefault(name, [])
            if path.relative_to(ROOT / 'lib') not in files:
                files.append(path.relative_to(ROOT / 'lib'))
    return {name: ' '.join(f'`{file}`' for file in files) for name, files in found.items()}


def recorded():
    """What README.md says: bug -> (test, case, hangs, seconds)."""
    text = README.read_text() if README.exists() else ''
    return {m[1]: (m[4], m[5] or '', bool(m[6]), float(m[7])) for m in ROW.finditer(text)}


def write(rows):
    text = README.read_text()
    begin = text.index(HEADER) + len(HEADER)
    at = places()
    lines = []
    for bug in BUGS:
        if bug.name not in rows:
            continue
        test, case, hangs, seconds = rows[bug.name]
        lines.append(f'| `{bug.name}` | {at[bug.name]} | {bug.what} | `{test}`{": " + case if case else ""}'
                     f'{" (hangs)" if hangs else ""} | {seconds:.1f} |\n')
    README.write_text(text[:begin] + ''.join(lines))


def catch(bug, tests, steps, clean, limit):
    """Runs the steps until one fails: its row for the table, or None."""
    begin = time.monotonic()
    for name, case in steps:
        left = limit - (time.monotonic() - begin)
        if left <= 0:
            break
        test = tests[name]
        result = run(test, case, bug.name, min(left, clean.limit(test, case)))
        if result.hung and not bug.hangs:
            print(f'{bug.name}: {name} did not end within {result.seconds:.0f} s, which proves nothing', flush=True)
            continue
        if not result.failed:
            continue
        caught = result.case if test.can_choose(result.case) else case
        again = result.hung or run(test, caught, bug.name, clean.limit(test, case)).failed
        if not again or not clean.passes(test, case if result.hung else caught):
            print(f'{bug.name}: {name} {caught} failed, and not again; or fails always', flush=True)
            continue
        return name, result.case, result.hung, result.seconds
    return None


def steps_of(bug, tests, records, only_recorded):
    """What to run: (test, part of it). A recorded part that misses the bug now is tried as a whole."""
    steps = []
    if bug.name in records:
        test, case, _, _ = records[bug.name]
        part = case if tests[test].can_choose(case) else ''
        if only_recorded and bug.hangs:
            return [(test, part)] * HANG_TRIES
        steps += [(test, part), (test, '')]
    if not only_recorded:
        steps = [(name, '') for name in bug.tests] + [(name, '') for name in tests if name not in bug.tests]
    return list(dict.fromkeys(steps))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--build', default=ROOT / 'build-planted')
    parser.add_argument('--recorded', action='store_true')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--limit', type=float, default=1200)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--list', action='store_true')
    parser.add_argument('bugs', nargs='*')
    options = parser.parse_args()
    chosen = [bug for bug in BUGS if not options.bugs or bug.name in options.bugs]
    if len(chosen) < len(set(options.bugs)):
        parser.error('unknown bug: ' + ' '.join(set(options.bugs) - {b.name for b in BUGS}))
    if options.list:
        at = places()
        for bug in chosen:
            print(f'{bug.name}  ({at[bug.name]}): {bug.what}')
        return 0
    tests, records, clean = tests_of(options.build), recorded(), Clean()
    if options.recorded:
        tests = {name: tests[name] for name in tests if name in {r[0] for r in records.values()}}
    unknown = sorted({r[0] for r in records.values()} - set(tests)) + sorted(
        {name for bug in chosen for name in bug.tests if not options.recorded} - set(tests))
    if unknown:
        print(f'not built, or no tests of the gate: {" ".join(unknown)}\n0 passed, 1 failed')
        return 1
    steps = {bug.name: steps_of(bug, tests, records, options.recorded) for bug in chosen}
    # In full, a test must pass without the bug when it has caught one; how long one may hang has to be known before.
    first = [(tests[name], case) for bug in chosen for name, case in steps[bug.name]
             if (name in bug.tests if bug.hangs and not options.recorded else
                 options.recorded and (name, case) == steps[bug.name][0])]
    if not clean.prove(first, options.jobs):
        print('0 passed, 1 failed')
        return 1
    if first:
        print(f'{len(set(first))} tests pass with no bug planted', flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(catch, bug, tests, steps[bug.name], clean, options.limit): bug for bug in chosen}
        for future in concurrent.futures.as_completed(running):
            bug, row = running[future], future.result()
            if row is None:
                failed += 1
                records.pop(bug.name, None)
                print(f'{bug.name}: NOT CAUGHT ({bug.what})', flush=True)
                continue
            records[bug.name] = row
            print(f'{bug.name}: {row[0]}{": " + row[1] if row[1] else ""}{" hangs" if row[2] else ""}, {row[3]:.1f} s', flush=True)
            if options.write:
                write(records)
    if options.write:
        write(records)
    print(f'{len(chosen) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, stop_all)
    signal.signal(signal.SIGINT, stop_all)
    sys.exit(main())
