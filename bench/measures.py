# SPDX-License-Identifier: Apache-2.0
"""How each work of works.py is measured.

`measure(bench, who, role, number)` does one measurement of `who` in round `number` and returns a
report: a dict with the figures, "value" being the main one, and "verified", how much was checked.
What a work only reads is a dataset: `bench.dataset(name, who, make)` makes it once.
"""

import os
import re
import shutil
import subprocess
from math import log

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
MEMORY_LIMIT = 128 * MIB
BATCH = 256


def timing(bench):
    return {"warm_ms": bench.sizes.warm_ms, "ms": bench.sizes.measured_ms}


def put(threads, shape="flat"):
    def measure(bench, who, role, number):
        with bench.directory() as path:
            command = "put-async" if who == "jzse-async" else "put"
            return bench.drive(command, contender=who, dir=path, threads=threads, size=4 * KIB,
                               shape=shape, seed=bench.seed + number,
                               journal_bytes=bench.sizes.journal_bytes, **timing(bench))
    return measure


def put_bytes(bench, who, role, number):
    """MiB/s of values: JzSE with 256 puts under way, others with batches of 256 puts and one sync."""
    if who == "jzse-async":
        report = put(BATCH)(bench, who, role, number)
        each = 4 * KIB
    else:
        with bench.directory() as path:
            report = bench.drive("put-batch", contender=who.removesuffix("-batch"), dir=path,
                                 batch=BATCH, size=4 * KIB, seed=bench.seed + number,
                                 journal_bytes=bench.sizes.journal_bytes, **timing(bench))
        each = 4 * KIB * BATCH
    return report | {"operations_per_s": report["value"], "value": report["value"] * each / MIB}


class Gets:
    """Works on `count` objects of 4 KiB, with or without a crowd of 100 byte objects around them."""

    def __init__(self, name, count, crowd=None, **how):
        self.name = name
        self.count = count
        self.crowd = crowd or (lambda sizes: 0)
        self.how = how

    def objects(self, bench):
        return {"size": 4 * KIB, "count": self.count(bench.sizes), "seed": bench.seed}

    def data(self, bench, who):
        storer = "jzse" if who == "jzse-range" else who
        # As files the crowd would take 4 KiB each: that peer is spared it.
        crowd = self.crowd(bench.sizes) if who in ("jzse", "jzse-range", "leveldb") else 0

        def make(path):
            bench.drive("load", contender=storer, dir=path, crowd=crowd, **self.objects(bench))
        return bench.dataset(self.name, storer, make)

    def hot(self, threads, more=0):
        def measure(bench, who, role, number):
            return bench.drive("get", contender=who, dir=self.data(bench, who), threads=threads,
                               threads_2=more, **self.objects(bench), **timing(bench), **self.how)
        return measure

    def cold(self, bench, who, role, number):
        keep = {"keep": "index"} if who == "jzse" else {}
        return bench.drive("get-cold", contender=who, dir=self.data(bench, who),
                           gets=bench.sizes.cold_gets, **self.objects(bench), **keep)

    def prepare(self, bench, who, role):
        self.data(bench, who)


def listing(bench, who, role, number):
    count = bench.sizes.files
    how = {"contender": who, "shape": "directory", "count": count}

    def make(path):
        bench.drive("load", dir=path, size=100, seed=bench.seed, **how)
    return bench.drive("list", dir=bench.dataset("names", who, make), **how)


# ---- one large file

def source(bench):
    path = os.path.join(bench.root, "source")
    if not os.path.exists(path):
        bench.drive("source", path=path, bytes=bench.sizes.stream_bytes, seed=bench.seed)
    return path


def edited_source(bench):
    """The source with one byte inserted in its middle."""
    path = os.path.join(bench.root, "edited")
    if not os.path.exists(path):
        with open(source(bench), "rb") as old, open(path, "wb") as new:
            half = os.path.getsize(source(bench)) // 2
            while old.tell() < half:
                new.write(old.read(min(MIB, half - old.tell())))
            new.write(b"!")
            shutil.copyfileobj(old, new, MIB)
    return path


def stream_put(bench, who, role, number):
    if who in bench.tools.BULK:
        return bench.tools.put_file(bench, who, source(bench))
    with bench.directory() as path:
        return bench.drive("stream-put", contender=who, dir=path, source=source(bench))


def stream_again(bench, who, role, number):
    """The same content once more, under another name, into what holds it already."""
    if who in bench.tools.BULK:
        return bench.tools.put_file(bench, who, source(bench), again=True)
    with bench.directory() as path:
        bench.drive("stream-put", contender=who, dir=path, source=source(bench))
        bench.settle()
        return bench.drive("stream-put", contender=who, dir=path, source=source(bench), reuse=1,
                           name="again")


def stream_insert(bench, who, role, number):
    with bench.directory() as path:
        bench.drive("stream-put", contender=who, dir=path, source=source(bench))
        return bench.drive("stream-put", contender=who, dir=path, source=edited_source(bench),
                           reuse=1, name="edited")


def load_stream(bench, who, role):
    if who in bench.tools.BULK:
        return bench.dataset("stream", who, lambda path: bench.tools.store(
            who, path, source(bench)))
    storer = "cp" if who in ("cat", "raw") else who
    return bench.dataset("stream", storer, lambda path: bench.drive(
        "stream-put", contender=storer, dir=path, source=source(bench)))


def stream_get(cold):
    def measure(bench, who, role, number):
        path = load_stream(bench, who, role)
        if who in bench.tools.BULK:
            return bench.tools.get_file(bench, who, path, source(bench), cold)
        return bench.drive("stream-get", contender=who, dir=path, source=source(bench),
                           cold=int(cold))
    return measure


def big(bench, who, role, number):
    """Peak memory of the process that stored 10 GiB or of the one that read them, if higher."""
    how = {"bytes": bench.sizes.big_bytes, "seed": bench.seed, "memory_limit": MEMORY_LIMIT}
    with bench.directory() as path:
        stored = bench.drive("big-put", dir=path, **how)
        read = bench.drive("big-get", dir=path, **how)
    return {"value": max(stored["value"], read["value"]), "process_mib": stored["process_mib"],
            "put_peak_mib": stored["value"], "get_peak_mib": read["value"],
            "put_mib_s": stored["rate_mib_s"], "get_mib_s": read["rate_mib_s"],
            "verified": read["verified"]}


# ---- many small files

def small(bench, count):
    """A store with `count` files of 100 bytes in one directory, closed cleanly."""
    return bench.dataset(f"small-{count}", "jzse", lambda path: bench.drive(
        "fill", dir=path, count=count, stay=0, seed=bench.seed))


def opening(size, how):
    def measure(bench, who, role, number):
        count = size(bench.sizes)
        path = small(bench, count)
        rebuilt = 0
        if how == "kill":
            # The end falls somewhere else between two checkpoints of the store in every round.
            more = count + bench.random.randrange(max(1, count // 10))
            bench.drive_and_kill("fill", after_s=bench.random.uniform(0.02, 0.5), stay=1, dir=path,
                                 count=more, seed=bench.seed, **{"from": count})
        elif how == "rebuild":
            shutil.rmtree(os.path.join(path, "store", "index"))
            rebuilt = 1
        bench.settle()
        return bench.drive("open", dir=path, count=count, seed=bench.seed, rebuilt=rebuilt)
    return measure


def pages(size):
    def measure(bench, who, role, number):
        count = size(bench.sizes)
        return bench.drive("pages", dir=small(bench, count), count=count, pages=50,
                           seed=bench.seed + number)
    return measure


def memory(size):
    def measure(bench, who, role, number):
        count, quick = size(bench.sizes), bench.sizes.quick
        return bench.drive("memory", dir=small(bench, count), count=count, seed=bench.seed,
                           round=number, gets=1000 if quick else 500_000,
                           puts=20 if quick else 2000, bytes=4 * MIB if quick else 256 * MIB)
    return measure


def slope(points):
    """Least squares of log(y) over log(x)."""
    xs, ys = [log(x) for x, _ in points], [log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / across


def growth(bench, who, role, number):
    """The scaling curves of one round, and their slopes."""
    found = [bench.drive("growth", dir=small(bench, count), count=count, seed=bench.seed,
                         ms=bench.sizes.measured_ms, round=number,
                         warm_gets=bench.sizes.growth_warm_gets)
             for count in bench.sizes.curve]
    report = {"verified": sum(each["verified"] for each in found), "points": found}
    for figure in ("put_us", "get_us", "open_ms"):
        name = figure.split("_", maxsplit=1)[0]
        report[f"{name}_slope"] = slope([(each["files"], each[figure]) for each in found])
    return report


def space(size, churn=0.0):
    def measure(bench, who, role, number):
        count = bench.sizes.space_files * 4 * KIB // size // (1 if size == 4 * KIB else 8)
        with bench.directory() as path:
            return bench.drive("space", dir=path, count=count, changed=int(count * churn),
                               size=size, seed=bench.seed + number)
    return measure


# ---- counters

def count(op, threads=1):
    def measure(bench, who, role, number):
        operations = bench.sizes.counted_operations // threads
        with bench.directory() as path:
            return bench.drive("count", driver=bench.counter, contender=who, dir=path, op=op,
                               threads=threads, operations=operations, size=4 * KIB,
                               seed=bench.seed + number)
    return measure


def instructions(op):
    """Instructions of one operation in user space: what twice as many cost more, under callgrind."""
    def measure(bench, who, role, number):
        totals = []
        for operations in (400, 800):
            with bench.directory() as path:
                words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                         *bench.words("count", {"contender": who, "dir": path, "op": op,
                                                "threads": 1, "operations": operations,
                                                "size": 4 * KIB, "seed": bench.seed})]
                done = subprocess.run(words, capture_output=True, text=True, check=False,
                                      timeout=600)
            totals.append(re.search(r"Collected : (\d+)", done.stderr))
            if done.returncode != 0 or not totals[-1]:
                raise bench.Error(f"callgrind: {done.stderr.strip()[-300:]}")
        more = int(totals[1][1]) - int(totals[0][1])
        # `count` puts, then does what it counts, then checks a sample of 1,000 whatever the number:
        # of each operation there are two puts, or a put and two gets.
        return {"value": more / 400, "verified": 800}
    return measure
