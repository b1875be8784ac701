#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""smoke.py DRIVER COUNTER: the harness works, whatever it measures.

The works are named; each runs at toy size and its rows are whole and agree with themselves; a
driver that fails leaves no row; the interval of the median is what can be worked out by hand.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

import measures  # noqa: E402
import rounds  # noqa: E402
import works  # noqa: E402

DRIVER = COUNTER = ""
FIELDS = {"work": str, "contender": str, "peer": str, "ratio": float, "low": float, "high": float,
          "durability": str, "rounds": int, "contender_value": float, "peer_value": float,
          "unit": str, "seed": int, "samples": list}


def bench_run(*words, driver=None):
    return subprocess.run([sys.executable, os.path.join(HERE, "run"), *words], check=False,
                          capture_output=True, text=True,
                          env=os.environ | {"JZSE_BENCH_DRIVER": driver or DRIVER,
                                             "JZSE_BENCH_COUNTER": driver or COUNTER})


def quick(work, *words, driver=None):
    """Runs one work at toy size; the finished process, its rows, what it left in its directory."""
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
        path = os.path.join(place, "rows.json")
        data = os.path.join(place, "data")
        done = bench_run(work, "--quick", "--rounds", "2", "--dir", data, "--json", path, *words,
                         driver=driver)
        if not os.path.exists(path):
            raise AssertionError(done.stderr)
        with open(path, encoding="utf-8") as file:
            return done, [json.loads(line) for line in file], os.listdir(data)


class Works(unittest.TestCase):
    def check_row(self, row, key):
        for name, kind in FIELDS.items():
            self.assertIsInstance(row[name], kind, name)
        self.assertEqual(row["rounds"], 2)
        self.assertEqual(len(row["samples"]), 2)
        self.assertNotIn("verdict", row, "toy sizes cannot reach or miss a target")
        ratios = [sample["ratio"] for sample in row["samples"]]
        self.assertEqual(row["ratio"], statistics.median(ratios))
        self.assertEqual((row["low"], row["high"]), (min(ratios), max(ratios)))
        best = max((sample["peer"] or {key: 0})[key] for sample in row["samples"])
        for sample in row["samples"]:
            self.assertGreater(sample["contender"]["verified"], 0)
            theirs = sample["peer"][key] if sample["peer"] else row["peer_value"]
            theirs = best if row["peer"].endswith("-best") else theirs
            self.assertTrue(math.isclose(sample["ratio"], sample["contender"][key] / theirs))
            self.assertEqual(len(sample["probes"]), len(sample["order"]) + 1)
            self.assertTrue(0 <= sample["foreign_cpu"] <= 1)

    def expected(self, work, stderr):
        """[(work, peer)] of the rows, without what was left out and said to be."""
        pairs = []
        for figure in work.figures:
            for peer in work.peers if not figure.bar else (figure.bar.label,):
                if figure.peers is not None and peer not in figure.peers:
                    continue
                if f"without {peer}: " in stderr:
                    continue
                pairs.append((figure.name, peer))
                if peer == work.best_of:
                    pairs.append((figure.name, f"{peer}-best"))
        return pairs

    def check_work(self, work):
        done, rows, left = quick(work.name, "--seed", "7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(left, [], "data left behind")
        if f"{work.name}: skipped: " in done.stderr:
            self.assertEqual(rows, [])
            self.skipTest(done.stderr.strip())
        self.assertEqual([(row["work"], row["peer"]) for row in rows],
                         self.expected(work, done.stderr))
        keys = {figure.name: figure.key for figure in work.figures}
        for row in rows:
            self.assertEqual(row["contender"], work.contender)
            self.assertEqual(row["seed"], 7)
            self.check_row(row, keys[row["work"]])
            self.assertIn(row["peer"], done.stdout)


def add_work_test(work):
    name = "test_" + work.name.replace("-", "_")
    setattr(Works, name, lambda self: self.check_work(work))


# Of the server's works those that take a second or two; the others differ from them in sizes.
QUICK_HTTP = ("http-get-4k-16", "http-put-1g", "http-idle", "http-big")
for each in works.WORKS + [work for work in works.HTTP if work.name in QUICK_HTTP]:
    add_work_test(each)


class Command(unittest.TestCase):
    def test_list_names_every_work(self):
        done = bench_run("--list")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.split("\n"), [figure.name for work in works.WORKS + works.HTTP
                                                 for figure in work.figures] + [""])

    def test_unknown_work_is_refused_by_name(self):
        done = bench_run("put-4k-3")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such work: put-4k-3", done.stderr)

    def test_another_contender_in_its_place(self):
        done, rows, _ = quick("put-4k-16", "--contender", "leveldb")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(row["contender"], row["peer"]) for row in rows],
                         [("leveldb", peer) for peer in ("leveldb", "rocksdb", "sqlite", "file")
                          if f"without {peer}" not in done.stderr])

    def test_resumed_run_leaves_out_what_it_has(self):
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
            path = os.path.join(place, "rows.json")
            how = ["--quick", "--dir", place, "--json", path, "--resume"]
            bench_run("put-tree-16", *how)
            done = bench_run("put-tree-16", "count-syncs-16", *how)
            with open(path, encoding="utf-8") as file:
                names = [json.loads(line)["work"] for line in file]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(names.count("put-tree-16"), 2, "one row each of leveldb and file")
        self.assertNotIn("put-tree-16", done.stdout)

    def test_budget_gives_up_rounds_but_not_the_first(self):
        done, rows, _ = quick("put-tree-16", "--rounds", "1000", "--minutes", "0.02")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(1 <= rows[0]["rounds"] < 1000)

    def test_report_is_one_page_that_asks_nobody(self):
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
            path = os.path.join(place, "rows.json")
            bench_run("put-tree-16", "growth-put", "--quick", "--dir", place, "--json", path)
            done = bench_run("--report", os.path.join(place, "report"), path)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(place, "report", "index.html"), encoding="utf-8") as file:
                page = file.read()
        for wanted in ("put-tree-16", "growth-put", "<svg", "leveldb"):
            self.assertIn(wanted, page)
        for outside in ("http://", "https://", "<script", "@import", "url("):
            self.assertNotIn(outside, page.replace("http://www.w3.org/2000/svg", ""))

    def test_failing_driver_leaves_no_row(self):
        done, rows, left = quick("put-4k-1", driver="/bin/false")
        self.assertEqual((done.returncode, rows, left), (1, [], []))
        self.assertIn("put-4k-1: failed", done.stderr)


class Driver(unittest.TestCase):
    def test_content_that_differs_is_found(self):
        """What the checks after a measurement rest on: other content is not taken for it."""
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
            how = [f"dir={place}", "contender=file", "size=64", "count=10"]
            subprocess.run([DRIVER, "load", *how, "seed=1"], check=True, capture_output=True)
            files = os.path.join(place, "files")
            victim = os.path.join(files, sorted(os.listdir(files))[3])
            with open(victim, "r+b") as file:
                file.seek(40)
                byte = file.read(1)
                file.seek(40)
                file.write(bytes([byte[0] ^ 1]))
            done = subprocess.run([DRIVER, "get", *how, "seed=1", "threads=1", "warm_ms=1", "ms=1"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(os.path.basename(victim), done.stderr)

    def test_missing_object_is_found(self):
        """A put work counts again after reopening, so an object that vanished ends it."""
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as place:
            how = [f"dir={place}", "contender=file", "size=64", "count=10", "seed=1"]
            subprocess.run([DRIVER, "load", *how], check=True, capture_output=True)
            os.unlink(os.path.join(place, "files", os.listdir(os.path.join(place, "files"))[0]))
            done = subprocess.run([DRIVER, "get", *how, "threads=1", "warm_ms=1", "ms=1"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))


class Interval(unittest.TestCase):
    def test_nine_values_leave_one_out_at_each_end(self):
        # 1 - 2 * (1 + 9) / 512 = 0.9609 >= 0.95; one step further in it is 0.82.
        median, low, high, coverage = rounds.median_interval([9, 1, 8, 2, 7, 3, 6, 4, 5])
        self.assertEqual((median, low, high), (5, 2, 8))
        self.assertAlmostEqual(coverage, 1 - 20 / 512)

    def test_few_values_give_their_range_and_say_how_little_it_covers(self):
        self.assertEqual(rounds.median_interval([3, 1, 2]), (2, 1, 3, 0.75))
        self.assertEqual(rounds.median_interval([4]), (4, 4, 4, 0.0))

    def test_verdict_needs_the_whole_interval(self):
        row = {"better": "higher", "low": 1.2, "high": 1.6, "coverage": 0.96}
        self.assertEqual([rounds.verdict(row, target) for target in (1.2, 1.4, 1.7)],
                         ["met", "unclear", "missed"])
        row["better"] = "lower"
        self.assertEqual([rounds.verdict(row, target) for target in (1.1, 1.4, 1.6)],
                         ["missed", "unclear", "met"])
        row["coverage"] = 0.75
        self.assertEqual(rounds.verdict(row, 1.1), "unclear")
        self.assertEqual(rounds.verdict(row, 1.1, exact=True), "missed")


class Slope(unittest.TestCase):
    def test_of_a_power_is_its_exponent(self):
        points = [(n, 3 * n ** 0.25) for n in (10, 100, 1000, 10_000)]
        self.assertAlmostEqual(measures.slope(points), 0.25)
        self.assertAlmostEqual(measures.slope([(n, 7) for n in (10, 100, 1000)]), 0)


if __name__ == "__main__":
    DRIVER, COUNTER = map(os.path.realpath, sys.argv[1:3])
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
