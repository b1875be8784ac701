#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs pytest files and ends with the line that tests/checks/summary.py counts:  run.py FILE..."""
import faulthandler
import os
import sys
import threading
import time

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


def end(count):
    """Python waits at its exit for threads that are no daemons. One that a failed test left running would wait for ever,
    and be seen as a time limit only."""
    time.sleep(200)
    left = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    print(f'the interpreter did not end; threads left: {left}', flush=True)
    faulthandler.dump_traceback(all_threads=True)
    print(f'{count.passed} passed, {count.failed + 1} failed, {count.skipped} skipped', flush=True)
    os._exit(1)


def main():
    count = Count()
    code = pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'error::pytest.PytestUnraisableExceptionWarning',
                        *sys.argv[1:]], plugins=[count])
    print(f'{count.passed} passed, {count.failed} failed, {count.skipped} skipped', flush=True)
    threading.Thread(target=end, args=(count,), daemon=True).start()
    return 0 if code == 0 and count.passed else 1


if __name__ == '__main__':
    sys.exit(main())
