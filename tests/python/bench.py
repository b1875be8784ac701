#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The binding beside the same loops in C (loop.c), in interleaved rounds; prints medians and their ratio.

    PYTHONPATH=build/bindings/python JZSE_PYTHON_LOOP=build/tests/python/loop tests/python/bench.py [--dir DIR] [WORK...]

get, put: 4 KiB, one thread. read, write: 64 MiB, in pieces of 1 MiB into one buffer, and as one put. threads: durable
4 KiB puts of 8 threads against one, over 1,000 names each that keep 16 versions, in Python alone, and then in C alone: what the
library and the disk make of it, which no binding can exceed. plain: the same without versions. --quick runs toy rounds that check the harness."""
import argparse
import os
import statistics
import subprocess
import tempfile
import threading
import time

import jzse

FILES, SMALL, PIECE, LARGE = 2000, 4096, 1 << 20, 64 << 20
NAMES = [f'f/{i:05}' for i in range(FILES)]
BARS = {'get': 0.5, 'put': 0.5, 'read': 0.9, 'write': 0.9, 'threads': 4.0, 'plain': 4.0}


def prepare(path):
    with jzse.open(path, create=True) as store:
        files = store['default']
        with files.group() as group:
            for name in NAMES:
                group[name] = os.urandom(SMALL)
        files['large'] = os.urandom(LARGE)
        store.create_namespace('threads', kind='keys')
        store.create_namespace('plain', kind='keys', versions_max=0)


def get(files, n, large):
    files[NAMES[n * 7919 % FILES]]
    return 1


def put(files, n, large):
    large[:8] = n.to_bytes(8, 'little')
    files[NAMES[n % FILES]] = memoryview(large)[:SMALL]
    return 1


def write(files, n, large):
    large[:LARGE:SMALL] = bytes([n & 255]) * (LARGE // SMALL)
    large[1:LARGE:SMALL] = bytes([n >> 8 & 255]) * (LARGE // SMALL)
    files['new'] = large
    return LARGE


def read(files, n, large):
    piece = memoryview(large)[:PIECE]
    with files.open('large', 'rb', buffering=0) as file:
        while file.readinto(piece):
            pass
    return LARGE


def in_python(work, path, seconds):
    large = bytearray(os.urandom(1 << 16) * (LARGE >> 16))
    with jzse.open(path) as store:
        files, done, n, start = store['default'], 0, 0, time.perf_counter()
        while time.perf_counter() - start < seconds or n == 0:
            done += work(files, n, large)
            n += 1
        return done / (time.perf_counter() - start)


def in_c(loop, work, path, seconds):
    return float(subprocess.run([loop, work, path, str(seconds)], capture_output=True, text=True, check=True).stdout)


def threads(path, name, count, seconds):
    with jzse.open(path) as store:
        files, done, start = store[name], [0] * count, time.perf_counter()

        def run(t):
            data = os.urandom(SMALL)
            while time.perf_counter() - start < seconds or done[t] == 0:
                files[f'{t}/{done[t] % 1000}'] = data
                done[t] += 1
        running = [threading.Thread(target=run, args=(t,)) for t in range(count)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return sum(done) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('work', nargs='*', choices=[[], *BARS], help='default: all')
    parser.add_argument('--dir')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--seconds', type=float, default=1.5)
    given = parser.parse_args()
    rounds, seconds = (1, 0.01) if given.quick else (given.rounds, given.seconds)
    loop = os.environ['JZSE_PYTHON_LOOP']
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        path = os.path.join(folder, 'store')
        prepare(path)
        print('| work | Python | peer | ratio | must reach |\n|---|---|---|---|---|')
        for name in given.work or BARS:
            ours, theirs, below = [], [], []
            for _ in range(rounds):
                if name in ('threads', 'plain'):
                    theirs.append(threads(path, name, 1, seconds))
                    ours.append(threads(path, name, 8, seconds))
                    below.append([in_c(loop, f'{name}{count}', path, seconds) for count in (8, 1)])
                else:
                    theirs.append(in_c(loop, name, path, seconds))
                    ours.append(in_python(globals()[name], path, seconds))
            row(name, list(zip(ours, theirs)), BARS[name])
            if below:
                row(f'{name}, in C', below, '')


def row(name, pairs, bar):
    ours, theirs = zip(*pairs)
    ratio = statistics.median(a / b for a, b in pairs)
    unit, scale = ('MiB/s', 2**20) if name in ('read', 'write') else ('/s', 1)
    print(f'| {name} | {statistics.median(ours) / scale:,.0f} {unit} | '
          f'{statistics.median(theirs) / scale:,.0f} {unit} | {ratio:.2f} | {bar} |', flush=True)
    assert min(ours + theirs) > 0


main()
