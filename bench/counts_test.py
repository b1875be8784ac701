#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""counts_test.py DRIVER COUNTER: what can be counted stays within its bounds (works.COUNTS).

No clock decides, so a busy machine gives the same answer. Reads of the disk are counted for the
whole machine, so there the least of the rounds counts.
"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

import works  # noqa: E402


def main(driver, counter):
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
        path = os.path.join(place, "rows.json")
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "run"), "count", "--dir", place, "--json", path],
            check=False, capture_output=True, text=True, env=os.environ | {
                "JZSE_BENCH_DRIVER": os.path.realpath(driver),
                "JZSE_BENCH_COUNTER": os.path.realpath(counter)})
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    print(done.stderr, end="")
    bad = 0 if done.returncode == 0 else 1
    for row in rows:
        least = min(sample["ratio"] for sample in row["samples"])
        fine = least <= row["target"]
        bad += not fine
        print(f"{'ok' if fine else 'NOT OK'}: {row['work']}: {least:.2f} of the {row['peer']}")
    expected = {figure.name for work in works.COUNTS for figure in work.figures
                if f"{work.name}: skipped" not in done.stderr}
    if {row["work"] for row in rows} != expected:
        print("rows are missing")
        bad += 1
    print(f"{len(rows)} passed, 0 failed" if bad == 0 else f"{len(rows) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
