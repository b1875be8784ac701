#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a process that stores files on several threads, at random moments, and checks what is left, again and again on
the same store:  kill9_test.py WORKER

Environment: JZSE_KILL9_ROUNDS (default 20), JZSE_KILL9_SEED (default 1; a failure prints it), JZSE_KILL9_THREADS (6).
The last line counts rounds. A failed store is kept, and its place printed."""
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile

ROUNDS = int(os.environ.get('JZSE_KILL9_ROUNDS', '20'))
SEED = int(os.environ.get('JZSE_KILL9_SEED', '1'))
THREADS = os.environ.get('JZSE_KILL9_THREADS', '6')


def start(*words):
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_or_end(process, seconds):
    """Sleeps, or less when the process ends by itself. Returns what it said if it did."""
    try:
        return process.communicate(timeout=seconds)[0].decode(errors='replace')
    except subprocess.TimeoutExpired:
        return None


def kill(process):
    process.kill()
    process.communicate()


def run_and_kill(worker, store, ledgers, seed, dice):
    """None, or what a worker said that ended by itself."""
    process = start(worker, 'run', store, ledgers, str(seed), THREADS)
    if dice.random() < 0.2:  # while it opens, or just after
        said = wait_or_end(process, dice.uniform(0, 0.05))
    else:
        ready, _, _ = select.select([process.stdout], [], [], 600)
        said = wait_or_end(process, dice.uniform(0, 1.2) if ready else 0)
    kill(process)
    return said


def check(worker, store, ledgers, dice):
    """(whether the store is right, what the check said)"""
    if dice.random() < 0.2:  # a recovery may be cut short as well
        process = start(worker, 'check', store, ledgers, THREADS)
        said = wait_or_end(process, dice.uniform(0, 0.1))
        kill(process)
        if said is not None:
            return process.returncode == 0, said
    process = start(worker, 'check', store, ledgers, THREADS)
    said = process.communicate(timeout=1800)[0].decode(errors='replace')
    return process.returncode == 0, said


def main():
    worker = sys.argv[1]
    dice = random.Random(SEED)
    home = tempfile.mkdtemp(prefix='jzse-kill9-')
    store, ledgers = os.path.join(home, 'store'), os.path.join(home, 'ledgers')
    os.mkdir(ledgers)
    acknowledged = 0
    for turn in range(ROUNDS):
        said = run_and_kill(worker, store, ledgers, SEED * 100000 + turn, dice)
        if said is None:
            right, said = check(worker, store, ledgers, dice)
        else:
            right = False
        if not right:
            print(f'round {turn} of JZSE_KILL9_SEED={SEED} JZSE_KILL9_THREADS={THREADS}: {said}')
            print(f'kept: {home}')
            print(f'{turn} passed, 1 failed')
            return 1
        words = said.split()
        acknowledged += int(words[words.index('acknowledged') + 1])
        print(f'round {turn}: {said.strip()}')
    shutil.rmtree(home)
    print(f'{acknowledged} changes acknowledged, none lost')
    enough = acknowledged > 0
    print(f'{ROUNDS if enough else 0} passed, {0 if enough else 1} failed')
    return 0 if enough else 1


sys.exit(main())
