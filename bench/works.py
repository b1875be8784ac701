# SPDX-License-Identifier: Apache-2.0
"""The works of bench/run: what is measured, against whom, and how large.

A work names one contender and its peers. `measure(bench, who, role, number)` does one measurement
of `who` in round `number` and returns the driver's report: a dict whose "value" is the figure.
`prepare(bench, who, role)`, where there is one, runs once before the rounds, for works that read
what was stored before.
"""

import dataclasses
import os
import shutil
from typing import Callable

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# What each contender does before it acknowledges a put.
DURABILITY = {
    "jzse": "fdatasync per commit group",
    "jzse-async": "fdatasync per commit group",
    "jzse-range": "fdatasync per commit group",
    "leveldb": "fdatasync per write group",
    "file": "fsync+rename+dirsync",
    "journal": "RWF_DSYNC per write",
    "cp": "fsync+dirsync at the end",
}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much every work does."""

    warm_ms: int = 200
    measured_ms: int = 1500
    probe_ms: int = 200
    get_count: int = 30_000
    journal_bytes: int = 128 * MIB
    stream_bytes: int = 1 * GIB
    big_bytes: int = 10 * GIB
    files: int = 1_000_000


QUICK = Sizes(warm_ms=5, measured_ms=30, probe_ms=5, get_count=200, journal_bytes=4 * MIB,
              stream_bytes=3 * MIB + 8, big_bytes=8 * MIB, files=3_000)


@dataclasses.dataclass(frozen=True)
class Bar:
    """A fixed figure in the place of a peer; the ratio is value / bar, and lower is better."""

    label: str
    value: float


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    name: str
    about: str
    unit: str
    measure: Callable
    contender: str = "jzse"
    peers: tuple = ()
    bar: Bar | None = None
    prepare: Callable | None = None
    reads: bool = False
    rounds: int = 9
    targets: dict = dataclasses.field(default_factory=dict)  # peer -> ratio to reach
    disk_bytes: Callable = lambda sizes: 2 * GIB


def put(threads, shape="flat"):
    def measure(bench, who, role, number):
        with bench.directory() as path:
            command = "put-async" if who == "jzse-async" else "put"
            return bench.drive(command, contender=who, dir=path, threads=threads, size=4 * KIB,
                               shape=shape, seed=bench.seed + number,
                               warm_ms=bench.sizes.warm_ms, ms=bench.sizes.measured_ms,
                               journal_bytes=bench.sizes.journal_bytes)
    return measure


def load_objects(bench, who, role):
    bench.drive("load", contender=who, dir=bench.loaded(role), size=4 * KIB, seed=bench.seed,
                count=bench.sizes.get_count)


def get(threads):
    def measure(bench, who, role, number):
        return bench.drive("get", contender=who, dir=bench.loaded(role), threads=threads,
                           size=4 * KIB, seed=bench.seed, count=bench.sizes.get_count,
                           warm_ms=bench.sizes.warm_ms, ms=bench.sizes.measured_ms)
    return measure


def source(bench):
    path = os.path.join(bench.root, "source")
    if not os.path.exists(path):
        bench.drive("source", path=path, bytes=bench.sizes.stream_bytes, seed=bench.seed)
    return path


def stream_put(bench, who, role, number):
    with bench.directory() as path:
        return bench.drive("stream-put", contender=who, dir=path, source=source(bench))


def load_stream(bench, who, role):
    storer = {"cat": "cp"}.get(who, who)
    bench.drive("stream-put", contender=storer, dir=bench.loaded(role), source=source(bench))


def stream_get(bench, who, role, number):
    return bench.drive("stream-get", contender=who, dir=bench.loaded(role), source=source(bench))


MEMORY_LIMIT = 128 * MIB


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


def open_after(kill):
    def measure(bench, who, role, number):
        # The end falls somewhere else between two checkpoints of the store in every round.
        count = bench.sizes.files + bench.random.randrange(bench.sizes.files // 5)
        with bench.directory() as path:
            how = {"dir": path, "count": count, "seed": bench.seed + number}
            if kill:
                bench.drive_and_kill("fill", after_s=bench.random.uniform(0.02, 0.5), stay=1, **how)
            else:
                bench.drive("fill", stay=0, **how)
            bench.settle()
            return bench.drive("open", **how)
    return measure


def free_bytes(path):
    return shutil.disk_usage(path).free


WORKS = [
    Work("put-4k-1", "durable 4 KiB puts of new keys, 1 thread", "puts/s", put(1),
         peers=("leveldb", "file", "journal"), targets={"leveldb": 1.3}),
    Work("put-4k-16", "the same from 16 threads", "puts/s", put(16), peers=("leveldb", "file"),
         targets={"leveldb": 1.8}),
    Work("put-4k-64", "the same from 64 threads", "puts/s", put(64), peers=("leveldb", "file"),
         targets={"leveldb": 2.4}),
    Work("put-4k-async-64", "the same from 1 thread with 64 asynchronous puts under way, against 64"
         " threads", "puts/s", put(64), contender="jzse-async", peers=("leveldb",)),
    Work("put-tree-16", "durable 4 KiB puts into a tree of 256 directories, 16 threads", "puts/s",
         put(16, "tree"), peers=("leveldb", "file")),
    Work("get-4k-hot", "4 KiB gets in random order from the page cache, 1 thread", "gets/s", get(1),
         peers=("leveldb", "file"), prepare=load_objects, reads=True, targets={"leveldb": 0.8}),
    Work("get-4k-hot-2", "the same from 2 threads", "gets/s", get(2), peers=("leveldb", "file"),
         prepare=load_objects, reads=True),
    Work("get-4k-hot-range", "as get-4k-hot, into a buffer that the caller reuses", "gets/s",
         get(1), contender="jzse-range", peers=("leveldb",), prepare=load_objects, reads=True),
    Work("put-1g", "one file of 1 GiB stored durably", "MiB/s", stream_put, peers=("cp",), rounds=7,
         targets={"cp": 0.5}, disk_bytes=lambda sizes: 3 * sizes.stream_bytes + GIB),
    Work("get-1g", "it read back into a buffer of 1 MiB, from the page cache", "MiB/s", stream_get,
         peers=("cat",), prepare=load_stream, reads=True, rounds=9,
         disk_bytes=lambda sizes: 4 * sizes.stream_bytes + GIB),
    Work("big-10g", "10 GiB stored and read back: peak memory", "MiB", big,
         bar=Bar("limit of 128 MiB", MEMORY_LIMIT / MIB), rounds=1,
         disk_bytes=lambda sizes: sizes.big_bytes * 3 // 2 + GIB),
    Work("open-after-kill", "open a store of 1M files after kill -9", "s", open_after(True),
         bar=Bar("bar of 2 s", 2.0), reads=True, rounds=6, targets={"bar of 2 s": 1.0}),
    Work("open-clean", "open a store of 1M files after a clean close", "s", open_after(False),
         bar=Bar("bar of 2 s", 2.0), reads=True, rounds=6),
]
