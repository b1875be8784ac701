#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs pytest files and ends with the line that tests/checks/summary.py counts:  run.py FILE..."""
import sys

import pytest


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed += 1
        elif report.skipped:
            self.skipped += 1
        elif report.when == 'call':
            self.passed += 1

    def pytest_collectreport(self, report):
        self.failed += report.failed


def main():
    count = Count()
    code = pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'error::pytest.PytestUnraisableExceptionWarning',
                        *sys.argv[1:]], plugins=[count])
    print(f'{count.passed} passed, {count.failed} failed, {count.skipped} skipped', flush=True)
    return 0 if code == 0 and count.passed else 1


if __name__ == '__main__':
    sys.exit(main())
