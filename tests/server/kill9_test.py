#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon under concurrent load. A ledger knows of every path what was acknowledged and what was under way; after each kill the store must
hold, for every path, one of the two, and the feed must bring every acknowledged change.

    kill9_test.py JZSED                 20 kills
    JZSE_KILLS=500 JZSE_SEED=7 kill9_test.py JZSED"""
import hashlib
import os
import random
import sys
import threading
import time

import server_case
from server_case import Server, file_path

KILLS = int(os.environ.get('JZSE_KILLS', 20))
WORKERS = 8
PATHS = 12  # of each worker, so that most puts overwrite
SIZES = (0, 10, 4096, 60_000, 70_000, 900_000)


class Worker:
    """Owns its paths: nobody else writes them."""

    def __init__(self, number, seed):
        self.number, self.rng = number, random.Random(f'{seed}/{number}')
        self.known = {f'w{number}/{i}': {None} for i in range(PATHS)}  # path -> digests that may be there; None: no file
        self.acknowledged = 0
        self.wrong = None
        self.sequences = {}  # path -> sequence of the last acknowledged put

    def content(self):
        size = self.rng.choice(SIZES)
        return self.rng.randbytes(min(size, 64)) * (size // 64 + 1) if size else b''

    def run(self, server, stop):
        connection = server.connect()
        try:
            while not stop.is_set():
                self.step(server, connection)
        except (OSError, server_case.http.client.HTTPException):
            pass  # killed: what was under way is in the ledger as possible
        except AssertionError as error:
            self.wrong = error
        finally:
            connection.close()

    def step(self, server, connection):
        kind = self.rng.random()
        if kind < 0.15:
            return self.batch(server, connection)
        path = f'w{self.number}/{self.rng.randrange(PATHS)}'
        if kind < 0.3:
            self.known[path].add(None)
            answer = server.request('DELETE', file_path(path), connection=connection)
            assert answer.status in (204, 404), answer
            self.known[path] = {None}
        else:
            data = self.content()
            self.known[path].add(digest(data))
            answer = server.request('PUT', file_path(path), data, connection=connection)
            assert answer.status in (200, 201), answer
            self.known[path] = {digest(data)}
            self.sequences[path] = answer.json['sequence']
        self.acknowledged += 1

    def batch(self, server, connection):
        """Two files in one group: after a kill both are new or both are old."""
        pair = [f'w{self.number}/pair/{side}' for side in 'ab']
        text = f'{self.rng.random()}'
        for path in pair:
            self.known.setdefault(path, {None}).add(digest(text.encode()))
        body = server_case.json.dumps({'operations': [{'op': 'put', 'namespace': 'default', 'path': p, 'text': text} for p in pair]})
        answer = server.request('POST', '/v1/batch', body, {'Content-Type': 'application/json'}, connection)
        assert answer.status == 200, answer
        for path in pair:
            self.known[path] = {digest(text.encode())}
        self.acknowledged += 1

    def check(self, server):
        found = {}
        for path, possible in self.known.items():
            answer = server.get(file_path(path))
            assert answer.status in (200, 404), answer
            found[path] = digest(answer.body) if answer.status == 200 else None
            assert found[path] in possible, f'{path}: {found[path]} is none of {possible}'
            self.known[path] = {found[path]}
        pair = [found.get(f'w{self.number}/pair/{side}') for side in 'ab']
        assert pair[0] == pair[1], f'half a group: {pair}'


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def check_feed(server, workers):
    seen, after = {}, 0
    while True:
        page = server.get(f'/v1/changes?after={after}&limit=4096').json
        if not page['changes']:
            break
        for change in page['changes']:
            seen[change['path']] = change['sequence']
        after = page['next']
    for worker in workers:
        for path, sequence in worker.sequences.items():
            assert seen.get(path, 0) >= sequence, f'{path}: the feed ends at {seen.get(path)}, {sequence} was acknowledged'


def run(seed):
    rng = random.Random(seed)
    workers = [Worker(n, seed) for n in range(WORKERS)]
    with Server('--no-log-requests', '--log-level', 'warning') as server:
        for kill in range(KILLS):
            stop = threading.Event()
            threads = [threading.Thread(target=worker.run, args=(server, stop)) for worker in workers]
            before = sum(worker.acknowledged for worker in workers)
            for thread in threads:
                thread.start()
            server_case.wait_until(lambda: sum(worker.acknowledged for worker in workers) > before or not any(t.is_alive() for t in threads))
            time.sleep(rng.uniform(0, 0.25))
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            server.start()
            for worker in workers:
                if worker.wrong:
                    raise worker.wrong
                worker.check(server)
            if kill % 10 == 9:
                check_feed(server, workers)
        check_feed(server, workers)
        task = server.send_json('POST', '/v1/verify', {}).json['id']
        server_case.wait_until(lambda: server.get(f'/v1/tasks/{task}').json['state'] != 'running')
        assert server.get(f'/v1/tasks/{task}').json['state'] == 'succeeded', server.get(f'/v1/tasks/{task}')
    total = sum(worker.acknowledged for worker in workers)
    assert total > KILLS, f'only {total} acknowledged changes: the test tests nothing'
    print(f'{KILLS} kills, {total} acknowledged changes, none lost')


def main():
    seed = int(os.environ.get('JZSE_SEED', random.randrange(1 << 30)))
    try:
        run(seed)
    except BaseException:
        print(f'replay: JZSE_SEED={seed} JZSE_KILLS={KILLS} kill9_test.py JZSED', file=sys.stderr)
        print('0 passed, 1 failed')
        raise
    print('1 passed, 0 failed')


if __name__ == '__main__':
    main()
