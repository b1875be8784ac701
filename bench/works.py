# SPDX-License-Identifier: Apache-2.0
"""The works of bench/run: what is measured, against whom, how large, and what the project wants.

A work names one contender and its peers, or a fixed bar. It is measured once a round; where one
measurement gives several figures, each `Figure` of `also` becomes rows of its own name.
"""

import dataclasses
import shutil
from typing import Callable

import measures
import tools
from measures import GIB, KIB, MIB, Gets

# What each contender does before it acknowledges a put.
DURABILITY = {
    "jzse": "fdatasync per commit group",
    "jzse-async": "fdatasync per commit group",
    "jzse-range": "fdatasync per commit group",
    "leveldb": "fdatasync per write group",
    "leveldb-batch": "fdatasync per batch of 256",
    "rocksdb": "fdatasync per write group",
    "rocksdb-batch": "fdatasync per batch of 256",
    "sqlite": "fdatasync of the WAL per transaction (synchronous=FULL)",
    "file": "fsync+rename+dirsync",
    "journal": "RWF_DSYNC per write",
    "journal-batch": "RWF_DSYNC per write of 1 MiB",
    "cp": "fsync+dirsync at the end",
    "cp-best": "fsync+dirsync at the end",
    "fio": "O_DIRECT, fsync at the end",
    "fio-deep": "O_DIRECT, fsync at the end",
    "restic": "fsync per pack, syncfs at the end",
    "borg": "fsync per segment, syncfs at the end",
    "casync": "syncfs at the end",
}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much every work does."""

    quick: bool = False
    warm_ms: int = 200
    measured_ms: int = 1000
    probe_ms: int = 200
    get_count: int = 30_000
    cold_gets: int = 10_000
    journal_bytes: int = 128 * MIB
    stream_bytes: int = 1 * GIB
    big_bytes: int = 10 * GIB
    files: int = 1_000_000
    many_files: int = 10_000_000
    curve: tuple = (10_000, 100_000, 1_000_000, 10_000_000)
    growth_warm_gets: int = 1_000_000
    space_files: int = 200_000
    tree_files: int = 110_000
    counted_operations: int = 1600


QUICK = Sizes(quick=True, warm_ms=5, measured_ms=30, probe_ms=5, get_count=200, cold_gets=100,
              journal_bytes=4 * MIB, stream_bytes=3 * MIB + 8, big_bytes=8 * MIB, files=3_000,
              many_files=6_000, curve=(500, 3_000, 6_000), growth_warm_gets=1_000,
              space_files=400, tree_files=300, counted_operations=256)


@dataclasses.dataclass(frozen=True)
class Bar:
    """A fixed figure in the place of a peer; the ratio is value / bar."""

    label: str
    value: float


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of a measurement, in rows of its own."""

    name: str
    about: str
    unit: str
    key: str = "value"
    bar: Bar | None = None
    better: str = "higher"
    peers: tuple | None = None  # None: all of the work's
    targets: dict = dataclasses.field(default_factory=dict)  # peer -> ratio to reach


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    name: str
    about: str
    unit: str
    measure: Callable
    contender: str = "jzse"
    peers: tuple = ()
    bar: Bar | None = None
    better: str | None = None
    key: str = "value"
    also: tuple = ()
    prepare: Callable | None = None
    reads: bool = False
    rounds: int = 9
    targets: dict = dataclasses.field(default_factory=dict)  # peer -> ratio to reach
    best_of: str | None = None  # a peer that also gets rows against its best round
    needs: str | None = None  # a program without which the work is skipped
    dataset: str = ""  # works of one dataset follow each other
    exact: bool = False  # counted, not timed: one round is enough for a verdict
    cold: bool = False  # needs a file system that can be evicted
    seconds: float = 30  # of one round, roughly
    setup_seconds: float = 0
    disk_bytes: Callable = lambda sizes: 2 * GIB

    @property
    def figures(self):
        better = self.better or ("lower" if self.bar else "higher")
        own = Figure(self.name, self.about, self.unit, self.key, self.bar, better, None,
                     self.targets)
        return (own, *self.also)


def at_most(label, value):
    """A bar that the figure must not pass, and the target that says so."""
    bar = Bar(label, value)
    return {"bar": bar, "better": "lower", "targets": {bar.label: 1.0}}


def at_least(label, value):
    bar = Bar(label, value)
    return {"bar": bar, "better": "higher", "targets": {bar.label: 1.0}}


def free_bytes(path):
    return shutil.disk_usage(path).free


def files_1m(sizes):
    return sizes.files


def files_10m(sizes):
    return sizes.many_files


FEW = Gets("4k", lambda sizes: sizes.get_count)
MILLION = Gets("4k-1m", files_1m)
CROWD = Gets("4k-10m", files_1m, lambda sizes: sizes.many_files - sizes.files,
             memory_limit=1 * GIB)

STREAM_DISK = {"disk_bytes": lambda sizes: 6 * sizes.stream_bytes + GIB}
SMALL_10M = {"dataset": "small", "disk_bytes": lambda sizes: 700 * sizes.many_files + GIB}


def count_put(threads, syncs, allocations, also_written):
    """Bounds of the counters are wide enough for scheduling, narrow enough for a mistake."""
    also = [Figure(f"count-allocations-put-{threads}", f"allocations a put, {threads} threads",
                   "each", "allocations", **at_most(f"bound of {allocations}", allocations))]
    if also_written:
        also.append(Figure(f"count-written-{threads}", "bytes handed to writes by bytes put",
                           "x", "written", **at_most(f"bound of {also_written}", also_written)))
    return Work(f"count-syncs-{threads}", f"waits for the disk a put, {threads} threads", "each",
                measures.count("put", threads), key="syncs", also=tuple(also), rounds=1,
                seconds=10, exact=True, **at_most(f"bound of {syncs}", syncs))


COUNTS = [
    count_put(1, 1.1, 70, 7),
    count_put(16, 0.5, 65, 7),
    count_put(64, 0.3, 65, None),
    Work("count-allocations-get", "allocations a get of 4 KiB", "each", measures.count("get"),
         key="allocations", reads=True, rounds=1, seconds=10, exact=True,
         **at_most("bound of 8", 8)),
    Work("count-allocations-list", "allocations a name listed", "each", measures.count("list"),
         key="allocations", reads=True, rounds=1, seconds=10, exact=True,
         **at_most("bound of 0.15", 0.15)),
    Work("count-cold-io", "reads of the disk a cold get, whoever else reads meanwhile", "each",
         FEW.cold, key="device_reads_per_get", reads=True, cold=True, rounds=3, exact=True,
         seconds=5,
         dataset="4k", **at_most("bound of 1.2", 1.2), also=(
             Figure("count-cold-calls", "read calls a cold get", "each", "read_calls_per_get",
                    **at_most("bound of 1.1", 1.1)),)),
    Work("count-instructions-put", "instructions in user space of two 4 KiB puts (callgrind)",
         "each", measures.instructions("put"), rounds=1, exact=True, needs="valgrind",
         seconds=20,
         **at_most("bound of 600,000", 600_000)),
    Work("count-instructions-get", "of one 4 KiB put and two gets (callgrind)", "each",
         measures.instructions("get"), rounds=1, exact=True, needs="valgrind",
         seconds=20,
         **at_most("bound of 450,000", 450_000)),
]

OBJECTS = [
    Work("put-4k-1", "durable 4 KiB puts of new keys, 1 thread", "puts/s", measures.put(1),
         peers=("leveldb", "rocksdb", "sqlite", "file", "journal"), seconds=14,
         targets={"journal": 0.9, "leveldb": 1.5, "sqlite": 1.4, "file": 8}),
    Work("put-4k-16", "the same from 16 threads", "puts/s", measures.put(16), seconds=12,
         peers=("leveldb", "rocksdb", "sqlite", "file"),
         targets={"leveldb": 3.5, "sqlite": 15, "file": 30}),
    Work("put-4k-64", "the same from 64 threads", "puts/s", measures.put(64), seconds=12,
         peers=("leveldb", "rocksdb", "sqlite", "file"),
         targets={"leveldb": 4.5, "sqlite": 60, "file": 60}, also=(
             Figure("put-4k-64-p99", "99th percentile of their latency", "us", "p99_us",
                    better="lower", peers=("leveldb", "rocksdb"), targets={"leveldb": 0.2}),)),
    Work("put-4k-async-64", "the same from 1 thread with 64 asynchronous puts under way, against 64"
         " threads", "puts/s", measures.put(64), contender="jzse-async", peers=("leveldb",),
         seconds=6),
    Work("put-4k-async-256", "256 asynchronous puts under way, against batches of 256 with one sync"
         " and raw synced writes of 1 MiB", "MiB/s", measures.put_bytes, contender="jzse-async",
         peers=("journal-batch", "leveldb-batch", "rocksdb-batch"), seconds=9,
         targets={"journal-batch": 0.6, "leveldb-batch": 4}),
    Work("put-tree-16", "durable 4 KiB puts into a tree of 256 directories, 16 threads", "puts/s",
         measures.put(16, "tree"), peers=("leveldb", "file"), seconds=8),
    Work("get-4k-hot", "4 KiB gets in random order from the page cache, 1 thread", "gets/s",
         FEW.hot(1), peers=("leveldb", "rocksdb", "sqlite", "file"), prepare=FEW.prepare,
         reads=True, dataset="4k", targets={"leveldb": 2.5, "file": 3.5}, seconds=9,
         setup_seconds=15),
    Work("get-4k-hot-2", "the same from 2 threads", "gets/s", FEW.hot(2),
         peers=("leveldb", "rocksdb", "file"), prepare=FEW.prepare, reads=True, dataset="4k",
         targets={"leveldb": 2.5, "file": 3.5}, seconds=7),
    Work("get-4k-hot-range", "as get-4k-hot, into a buffer that the caller reuses", "gets/s",
         FEW.hot(1), contender="jzse-range", peers=("leveldb",), prepare=FEW.prepare, reads=True,
         dataset="4k", seconds=5),
]

LARGE = [
    Work("put-1g", "one file of 1 GiB stored durably", "MiB/s", measures.stream_put, rounds=7,
         peers=("fio", "fio-deep", "cp", "restic", "borg", "casync"), best_of="cp", seconds=60,
         targets={"fio": 0.75, "cp": 2, "cp-best": 1, "borg": 6, "restic": 10}, **STREAM_DISK),
    Work("put-1g-again", "the same content stored again", "MiB/s", measures.stream_again, rounds=6,
         peers=("borg", "restic"), targets={"borg": 4.5}, seconds=45, also=(
             Figure("put-1g-again-bytes", "new bytes that took, in percent", "%", "new_percent",
                    **at_most("bar of 0.1 %", 0.1)),), **STREAM_DISK),
    Work("put-1g-insert", "the same with one byte inserted: kB stored", "kB",
         measures.stream_insert, key="new_kb", rounds=1, exact=True, seconds=12,
         **at_most("bar of 160 kB", 160.0), **STREAM_DISK),
    Work("get-1g", "it read back into a buffer of 1 MiB, from the page cache", "MiB/s",
         measures.stream_get(False), peers=("cat", "raw", "restic", "borg"),
         prepare=measures.load_stream, reads=True, dataset="stream", rounds=7, cold=True,
         targets={"raw": 0.95, "restic": 4}, seconds=30, setup_seconds=25, **STREAM_DISK),
    Work("get-1g-cold", "the same, nothing of it in the page cache", "MiB/s",
         measures.stream_get(True), peers=("cat", "raw", "restic"), prepare=measures.load_stream,
         reads=True, dataset="stream", rounds=7, cold=True, targets={"raw": 0.95, "restic": 4},
         seconds=25, **STREAM_DISK),
    Work("big-10g", "10 GiB stored and read back: peak memory", "MiB", measures.big, rounds=1,
         exact=True, seconds=60, **at_most("limit of 128 MiB", measures.MEMORY_LIMIT / MIB),
         disk_bytes=lambda sizes: sizes.big_bytes * 3 // 2 + GIB),
]

TREES = [
    Work("import-tree", "110,000 small files of /usr stored by jzse import", "files/s",
         tools.import_tree(False), peers=("restic", "borg"), targets={"restic": 3, "borg": 3},
         rounds=3, seconds=100, setup_seconds=20, disk_bytes=lambda sizes: 8 * GIB),
    Work("import-tree-again", "the same tree again, unchanged", "files/s", tools.import_tree(True),
         peers=("restic", "borg"), targets={"restic": 3}, rounds=3, seconds=120,
         disk_bytes=lambda sizes: 8 * GIB),
]

SPACE = [
    Work("disk-4k", "bytes on disk by bytes of 4 KiB files", "x", measures.space(4 * KIB), rounds=1,
         exact=True, seconds=15, **at_most("bar of 1.03", 1.03)),
    Work("disk-100", "bytes on disk by bytes of 100 B files", "x", measures.space(100), rounds=1,
         exact=True, seconds=20, **at_most("bar of 1.6", 1.6)),
    Work("churn", "bytes on disk by live bytes after half of 4 KiB files were overwritten", "x",
         measures.space(4 * KIB, 0.5), rounds=1, seconds=30, exact=True,
         **at_most("bar of 1.25", 1.25), also=(
             Figure("churn-written", "bytes written by bytes put", "x", "write_factor",
                    **at_most("bar of 2.2", 2.2)),)),
]


def opened(name, size, how, about, bar, target, **more):
    key = "records_per_s" if how == "rebuild" else "value"
    unit = "records/s" if how == "rebuild" else "ms"
    return Work(name, about, unit, measures.opening(size, how), key=key, reads=True,
                rounds=more.pop("rounds", 6), **(at_least if how == "rebuild" else at_most)(
                    bar, target), **more)


FILES = [
    Work("list-1m", "names with size, etag and time of 1M files, all of them", "names/s",
         measures.listing, peers=("leveldb", "rocksdb"), reads=True, dataset="names", rounds=7,
         targets={"leveldb": 0.8}, seconds=6, setup_seconds=25),
    opened("open-clean", files_1m, "clean", "open a store of 1M files after a clean close",
           "bar of 50 ms", 50.0, dataset="small", seconds=2, setup_seconds=15),
    Work("list-page-1m", "a page of 1,000 entries of a directory of 1M files", "ms",
         measures.pages(files_1m), reads=True, dataset="small", rounds=6, seconds=2,
         **at_most("bar of 1 ms", 1.0)),
    opened("open-after-kill", files_1m, "kill", "open a store of 1M files after kill -9",
           "bar of 200 ms", 200.0, dataset="small", seconds=5),
    opened("open-rebuild", files_1m, "rebuild", "open a store of 1M files without its index",
           "bar of 600k/s", 600e3, dataset="small", seconds=10, rounds=3),
]

# Those with 10M files come last: a short budget reaches them with what is left.
MANY = [
    Work("get-4k-1m", "4 KiB gets of 1M files from the page cache, 1 thread", "gets/s",
         MILLION.hot(1, 2), peers=("leveldb", "file"), prepare=MILLION.prepare, reads=True,
         dataset="4k-1m", rounds=6, targets={"leveldb": 2.5, "file": 3.5}, seconds=40,
         setup_seconds=180, disk_bytes=lambda sizes: 5 * sizes.files * 4 * KIB, also=(
             Figure("get-4k-1m-2", "the same from 2 threads", "gets/s", "two_value",
                    targets={"leveldb": 2.5, "file": 3.5}),)),
    Work("get-4k-cold", "4 KiB gets of 1M files, one thread, no content in the page cache",
         "gets/s", MILLION.cold, peers=("pread", "leveldb", "file"), prepare=MILLION.prepare,
         reads=True, dataset="4k-1m", cold=True, rounds=6, targets={"pread": 0.95}, seconds=35,
         setup_seconds=30, disk_bytes=lambda sizes: 5 * sizes.files * 4 * KIB, also=(
             Figure("get-4k-cold-io", "reads of the disk for each, whoever else reads", "each",
                    "device_reads_per_get", **at_most("bar of 1.05", 1.05)),)),
    opened("open-clean-10m", files_10m, "clean", "open a store of 10M files after a clean close",
           "bar of 50 ms", 50.0, seconds=3, setup_seconds=180, **SMALL_10M),
    Work("list-page-10m", "a page of 1,000 entries of a directory of 10M files", "ms",
         measures.pages(files_10m), reads=True, rounds=6, seconds=3, **at_most("bar of 1 ms", 1.0),
         **SMALL_10M),
    Work("memory-10m", "peak memory of using a store of 10M files", "MiB",
         measures.memory(files_10m), rounds=1, exact=True, seconds=15,
         **at_most("limit of 128 MiB", 128.0), **SMALL_10M),
    opened("open-after-kill-10m", files_10m, "kill", "open a store of 10M files after kill -9",
           "bar of 200 ms", 200.0, seconds=8, rounds=6, **SMALL_10M),
    Work("growth-put", "log-log slope of a durable put from 10k to 10M files", "slope",
         measures.growth, key="put_slope", rounds=6, seconds=15, setup_seconds=20,
         **at_most("bar of 0.05", 0.05), also=(
             Figure("growth-get", "of a get", "slope", "get_slope", **at_most("bar of 0.05", 0.05)),
             Figure("growth-open", "of an open after a clean close", "slope", "open_slope",
                    **at_most("bar of 0.05", 0.05))), **SMALL_10M),
    opened("open-rebuild-10m", files_10m, "rebuild", "open a store of 10M files without its index",
           "bar of 600k/s", 600e3, seconds=60, rounds=1, **SMALL_10M),
    Work("get-4k-10m", "4 KiB gets of 1M of 10M files, memory limit 1 GiB, 1 thread", "gets/s",
         CROWD.hot(1, 2), peers=("leveldb", "file"), prepare=CROWD.prepare, reads=True,
         dataset="4k-10m", rounds=6, targets={"leveldb": 2.5, "file": 3.5}, seconds=40,
         setup_seconds=300, disk_bytes=lambda sizes: 700 * sizes.many_files + 15 * sizes.files * KIB,
         also=(Figure("get-4k-10m-2", "the same from 2 threads", "gets/s", "two_value",
                      targets={"leveldb": 2.5, "file": 3.5}),)),
]

WORKS = OBJECTS + COUNTS + LARGE + TREES + SPACE + FILES + MANY
