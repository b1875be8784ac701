# SPDX-License-Identifier: Apache-2.0
"""How bench/run measures: interleaved rounds in seeded random order, the disk probed around each
measurement, paired ratios, and the interval of their median. bench/README.md explains it to readers
of the rows.
"""

import contextlib
import functools
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

import http_works
import tools
import works

NOISY_PROBE_RATIO = 2.0
NOISY_FOREIGN_CPU = 0.1
DRIVER_TIMEOUT_S = 3600


class BenchError(Exception):
    """A measurement went wrong; the message says how."""


class Bench:
    """One run's programs, directory, seed and sizes. Everything it stores is below `root`."""

    Error = BenchError
    tools = tools

    def __init__(self, driver, counter, command, root, seed, sizes):
        self.driver = driver
        self.counter = counter  # the driver that counts
        self.command = command  # the jzse command; None where it was not built
        self.root = root
        self.seed = seed
        self.sizes = sizes
        self.random = random.Random(seed)
        self.datasets = {}  # (name, who) -> path

    @functools.cached_property
    def built(self):
        return self.drive("built")

    @functools.cached_property
    def can_count(self):
        return bool(self.drive("built", driver=self.counter)["counts"])

    def missing(self, who):
        """Why this contender cannot be measured here, or None."""
        library = who.removesuffix("-batch")
        if library in ("rocksdb", "sqlite") and not self.built[library]:
            return f"the driver was built without {library}"
        return http_works.missing(self, who) or tools.missing(who)

    @contextlib.contextmanager
    def directory(self):
        """A fresh directory, gone afterwards."""
        path = tempfile.mkdtemp(dir=self.root)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def dataset(self, name, who, make):
        """The directory with what `make(path)` stored, once, for `who`."""
        if (name, who) not in self.datasets:
            path = tempfile.mkdtemp(prefix=f"data-{name}-{who}-", dir=self.root)
            try:
                make(path)
            except BaseException:
                shutil.rmtree(path, ignore_errors=True)
                raise
            self.datasets[name, who] = path
        return self.datasets[name, who]

    def release(self):
        """Gives the disk space of all datasets back."""
        for path in self.datasets.values():
            shutil.rmtree(path, ignore_errors=True)
        self.datasets.clear()

    def settle(self):
        """Everything written so far leaves for the disk before somebody else is measured."""
        os.sync()
        time.sleep(0.05)

    def drive(self, command, driver=None, **arguments):
        words = self.words(command, arguments)
        words[0] = driver or words[0]
        done = subprocess.run(words, capture_output=True, text=True, check=False,
                              timeout=DRIVER_TIMEOUT_S)
        if done.returncode != 0:
            raise BenchError(f"{command}: {done.stderr.strip() or f'status {done.returncode}'}")
        return json.loads(done.stdout)

    def drive_and_kill(self, command, after_s, **arguments):
        """Waits for the driver's report, then kills it, unprepared, `after_s` seconds later."""
        process = subprocess.Popen(self.words(command, arguments), stdout=subprocess.PIPE,
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

    def words(self, command, arguments):
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
    """The rows, one for each figure and peer: the contender's against the peer's of the round."""
    roles = [(role, name) for role, name in entries if role != "contender"]
    for figure in work.figures:
        if figure.bar:
            yield one_row(bench, work, figure, entries[0][1], None, figure.bar.label, rounds)
            continue
        for role, name in roles:
            if figure.peers is None or name in figure.peers:
                yield one_row(bench, work, figure, entries[0][1], role, name, rounds)
            if figure.peers is None and name == work.best_of:
                yield one_row(bench, work, figure, entries[0][1], role, f"{name}-best", rounds)


def peer_values(figure, role, peer, rounds):
    if role is None:
        return [figure.bar.value] * len(rounds)
    values = [r["reports"][role][figure.key] for r in rounds]
    return [max(values)] * len(values) if peer.endswith("-best") else values


def one_row(bench, work, figure, contender, role, peer, rounds):
    mine = [float(r["reports"]["contender"][figure.key]) for r in rounds]
    theirs = peer_values(figure, role, peer, rounds)
    ratios = [a / b for a, b in zip(mine, theirs)]
    ratio, low, high, coverage = median_interval(ratios)
    quiet = [x for x, r in zip(ratios, rounds) if not r["noisy"]]
    row = {
        "work": figure.name, "contender": contender, "peer": peer,
        "ratio": ratio, "low": low, "high": high,
        "durability": durability(work, contender, role and peer), "rounds": len(rounds),
        "contender_value": statistics.median(mine), "peer_value": statistics.median(theirs),
        "unit": figure.unit, "better": figure.better, "coverage": coverage,
        "noisy_rounds": len(rounds) - len(quiet),
        "ratio_quiet": statistics.median(quiet) if quiet else None,
    }
    judged = contender == work.contender and not bench.sizes.quick
    target = figure.targets.get(peer) if judged else None
    if target is not None:
        row |= {"target": target, "verdict": verdict(row, target, work.exact)}
    row["samples"] = [
        {"ratio": x, "contender": r["reports"]["contender"], "peer": r["reports"].get(role),
         "order": r["order"], "probes": r["probes"], "foreign_cpu": r["foreign_cpu"],
         "noisy": r["noisy"]}
        for x, r in zip(ratios, rounds)]
    return row


def verdict(row, target, exact=False):
    """met or missed where the whole interval says so, and is one of 95 %; else unclear. A figure
    that hangs on no clock is exact: each round says all."""
    if row["coverage"] < 0.95 and not exact:
        return "unclear"
    if row["better"] == "higher":
        return "met" if row["low"] >= target else "missed" if row["high"] < target else "unclear"
    return "met" if row["high"] <= target else "missed" if row["low"] > target else "unclear"


def durability(work, contender, peer):
    if work.reads:
        return "none (reads)"
    labels = [f"{name}: {works.DURABILITY[name]}" for name in (contender, peer) if name]
    return "; ".join(dict.fromkeys(labels))


def entries_of(bench, work, contender, say):
    """[(role, name)]: the contender and the peers that can be measured here."""
    entries = [("contender", contender)]
    for name in work.peers:
        reason = bench.missing(name)
        if reason:
            say(f"{work.name}: without {name}: {reason}")
        else:
            entries.append((f"peer-{name}", name))
    return entries


def run_work(bench, work, contender, rounds, until=None, say=lambda text: None):
    """All rounds of a work, or as many, at least one, as end before `until` (of time.monotonic) by
    the time that those before them took; gives back its rows."""
    entries = entries_of(bench, work, contender, say)
    if work.prepare:
        for role, name in entries:
            work.prepare(bench, name, role)
    results, longest = [], 0.0
    while len(results) < rounds:
        start = time.monotonic()
        if results and until is not None and start + longest > until:
            break
        results.append(run_round(bench, work, entries, len(results)))
        longest = max(longest, time.monotonic() - start)
    return list(rows_of(bench, work, entries, results))
