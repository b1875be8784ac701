#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the results of `meson test`:  summary.py TESTLOG.json...

A Catch2 binary counts its test cases; any other test may end with a line "N passed, N failed[, N skipped]"; what says
neither counts as one. A test that failed counts at least one failure, whatever it printed (a crash, a leak, a
timeout). The last line is the sum. Exit code 1 if anything failed or nothing ran."""
import json
import re
import sys

OWN = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', re.M)
CATCH_ALL = re.compile(r'^All tests passed \(.*?in (\d+) test cases?\)', re.M)
CATCH_SOME = re.compile(r'^test cases:\s*(\d+)((?:\s*\|\s*\d+ \w+[\w ]*)*)', re.M)


def counts(result, output):
    """(passed, failed, skipped) of one test."""
    passed = failed = skipped = 0
    if match := last(OWN, output):
        passed, failed, skipped = (int(n or 0) for n in match.groups())
    elif match := last(CATCH_ALL, output):
        passed = int(match[1])
    elif match := last(CATCH_SOME, output):
        parts = {word: int(n) for n, word in re.findall(r'(\d+) (\w+)', match[2])}
        passed = parts.get('passed', 0)
        failed = int(match[1]) - passed
    elif result == 'OK':
        passed = 1
    if result in ('SKIP', 'IGNORED'):
        return 0, 0, 1
    if result not in ('OK', 'EXPECTEDFAIL'):
        failed = max(failed, 1)
    return passed, failed, skipped


def last(pattern, text):
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def self_test():
    assert counts('OK', 'x\n3 passed, 0 failed, 1 skipped\n') == (3, 0, 1)
    assert counts('FAIL', '3 passed, 2 failed\n') == (3, 2, 0)
    assert counts('OK', '===\nAll tests passed (9 assertions in 2 test cases)\n') == (2, 0, 0)
    assert counts('FAIL', 'test cases: 7 | 5 passed | 2 failed\nassertions: - none -\n') == (5, 2, 0)
    assert counts('FAIL', 'All tests passed (9 assertions in 2 test cases)\n') == (2, 1, 0)
    assert counts('TIMEOUT', '') == (0, 1, 0) and counts('OK', '') == (1, 0, 0)
    assert counts('SKIP', '') == (0, 0, 1)


def main():
    self_test()
    total = [0, 0, 0]
    for log in sys.argv[1:]:
        with open(log, encoding='utf-8') as lines:
            for test in map(json.loads, lines):
                row = counts(test['result'], test.get('stdout', ''))
                total = [a + b for a, b in zip(total, row)]
                if row[1]:
                    print(f'{test["result"]}: {test["name"]} ({row[1]} failed, {row[0]} passed)')
    passed, failed, skipped = total
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed or not passed else 0


sys.exit(main())
