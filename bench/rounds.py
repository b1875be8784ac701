# SPDX-License-Identifier: Apache-2.0
"""How bench/run measures: interleaved rounds in seeded random order, the disk probed around each
measurement, paired ratios, and the interval of their median. bench/README.md explains it to readers
of the rows.
"""

import contextlib
import json
import math
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import works

NOISY_PROBE_RATIO = 2.0
NOISY_FOREIGN_CPU = 0.1
DRIVER_TIMEOUT_S = 3600


class BenchError(Exception):
    """A measurement went wrong; the message says how."""


class Bench:
    """One run's driver, directory, seed and sizes. Everything it stores is below `root`."""

    def __init__(self, driver, root, seed, sizes):
        self.driver = driver
        self.root = root
        self.seed = seed
        self.sizes = sizes
        self.random = random.Random(seed)

    @contextlib.contextmanager
    def directory(self):
        """A fresh directory, gone afterwards."""
        path = tempfile.mkdtemp(dir=self.root)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def loaded(self, role):
        """The directory that holds what a reading work stored for this role before its rounds."""
        path = os.path.join(self.root, f"loaded-{role}")
        os.makedirs(path, exist_ok=True)
        return path

    def unload(self):
        for name in os.listdir(self.root):
            if name.startswith("loaded-"):
                shutil.rmtree(os.path.join(self.root, name))

    def settle(self):
        """Everything written so far leaves for the disk before somebody else is measured."""
        os.sync()
        time.sleep(0.05)

    def drive(self, command, **arguments):
        done = subprocess.run(self._words(command, arguments), capture_output=True, text=True,
                              timeout=DRIVER_TIMEOUT_S)
        if done.returncode != 0:
            raise BenchError(f"{command}: {done.stderr.strip() or f'status {done.returncode}'}")
        return json.loads(done.stdout)

    def drive_and_kill(self, command, after_s, **arguments):
        """Waits for the driver's report, then kills it, unprepared, `after_s` seconds later."""
        process = subprocess.Popen(self._words(command, arguments), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            report = process.stdout.readline()
            time.sleep(after_s)
            if not report or process.poll() is not None:
                raise BenchError(f"{command}: ended by itself: {process.stderr.read().strip()}")
        finally:
            process.kill()
            process.communicate()
        return json.loads(report)

    def probe(self):
        """Raw synced 4 KiB writes a second, now."""
        path = os.path.join(self.root, "probe")
        return self.drive("probe", path=path, ms=self.sizes.probe_ms)["value"]

    def _words(self, command, arguments):
        return [self.driver, command] + [f"{name}={value}" for name, value in arguments.items()]


def median_interval(values):
    """Median, low, high and the coverage of [low, high], from order statistics.

    [x(k), x(n+1-k)] holds the true median with probability 1 - 2 * P(Binomial(n, 1/2) < k),
    whatever the distribution. The narrowest such interval of at least 95 % is given, or, with fewer
    than six values, the whole range with the lower coverage that it then has.
    """
    ordered = sorted(values)
    n = len(ordered)

    def coverage(k):
        return 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2**n

    k = max([k for k in range(1, n // 2 + 1) if coverage(k) >= 0.95], default=1)
    return statistics.median(ordered), ordered[k - 1], ordered[n - k], max(0.0, coverage(k))


class ForeignCpu:
    """The share of all CPU time since the start that went to neither this run nor idling: to other
    processes, to other virtual machines (steal), and, a little, to the kernel on our behalf."""

    def __init__(self):
        self.start = self._now()

    @staticmethod
    def _now():
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, idle, iowait, irq, softirq, steal = map(
                int, file.readline().split()[1:9])
        ticks = os.sysconf("SC_CLK_TCK")
        busy = (user + nice + system + irq + softirq + steal) / ticks
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy, sum(u.ru_utime + u.ru_stime for u in used), busy + (idle + iowait) / ticks

    def share(self):
        busy, ours, total = (b - a for a, b in zip(self.start, self._now()))
        return max(0.0, busy - ours) / total if total > 0 else 0.0


def run_round(bench, work, entries, number):
    """One measurement of everybody, in random order. entries: [(role, name)]."""
    order = list(entries)
    bench.random.shuffle(order)
    bench.settle()
    cpu = ForeignCpu()
    probes = [bench.probe()]
    reports = {}
    for role, name in order:
        reports[role] = work.measure(bench, name, role, number)
        bench.settle()
        probes.append(bench.probe())
    foreign = cpu.share()
    noisy = max(probes) > NOISY_PROBE_RATIO * min(probes) or foreign > NOISY_FOREIGN_CPU
    return {"order": [role for role, _ in order], "probes": probes, "foreign_cpu": foreign,
            "noisy": noisy, "reports": reports}


def rows_of(bench, work, entries, rounds):
    """The rows, one for each peer: the contender's figure against the peer's of the same round."""
    roles = [(role, name) for role, name in entries if role != "contender"]
    for role, name in roles or [(None, work.bar.label)]:
        yield one_row(bench, work, entries[0][1], role, name, rounds)


def one_row(bench, work, contender, role, peer, rounds):
    mine = [r["reports"]["contender"]["value"] for r in rounds]
    theirs = [r["reports"][role]["value"] if role else work.bar.value for r in rounds]
    ratios = [a / b for a, b in zip(mine, theirs)]
    ratio, low, high, coverage = median_interval(ratios)
    quiet = [x for x, r in zip(ratios, rounds) if not r["noisy"]]
    row = {
        "work": work.name, "contender": contender, "peer": peer,
        "ratio": ratio, "low": low, "high": high,
        "durability": durability(work, contender, role and peer), "rounds": len(rounds),
        "contender_value": statistics.median(mine), "peer_value": statistics.median(theirs),
        "unit": work.unit, "better": "lower" if work.bar else "higher", "coverage": coverage,
        "noisy_rounds": len(rounds) - len(quiet),
        "ratio_quiet": statistics.median(quiet) if quiet else None,
    }
    judged = contender == work.contender and bench.sizes == works.Sizes()
    target = work.targets.get(peer) if judged else None
    if target is not None:
        row |= {"target": target, "verdict": verdict(row, target)}
    row["samples"] = [
        {"ratio": x, "contender": r["reports"]["contender"], "peer": r["reports"].get(role),
         "order": r["order"], "probes": r["probes"], "foreign_cpu": r["foreign_cpu"],
         "noisy": r["noisy"]}
        for x, r in zip(ratios, rounds)]
    return row


def verdict(row, target):
    """met or missed where the whole interval says so, and is one of 95 %; else unclear."""
    if row["coverage"] < 0.95:
        return "unclear"
    if row["better"] == "higher":
        return "met" if row["low"] >= target else "missed" if row["high"] < target else "unclear"
    return "met" if row["high"] <= target else "missed" if row["low"] > target else "unclear"


def durability(work, contender, peer):
    if work.reads:
        return "none (reads)"
    labels = [f"{name}: {works.DURABILITY[name]}" for name in (contender, peer) if name]
    return "; ".join(dict.fromkeys(labels))


def run_work(bench, work, contender, rounds):
    """All rounds of a work; gives back its rows."""
    peers = [] if work.bar else work.peers
    entries = [("contender", contender)] + [(f"peer-{name}", name) for name in peers]
    try:
        if work.prepare:
            for role, name in entries:
                work.prepare(bench, name, role)
        results = [run_round(bench, work, entries, number) for number in range(rounds)]
    finally:
        bench.unload()
    return list(rows_of(bench, work, entries, results))
