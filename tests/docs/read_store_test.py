#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/read_store.py knows nothing but docs/format.md, and finds in every store what the jzse command finds:

    read_store_test.py JZSE KILL9_WORKER

Environment: JZSE_READ_STORE_ROUNDS (default 6) is how often the worker is killed, JZSE_READ_STORE_SEED (default 1)."""
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'e2e'))
import cli_case  # noqa: E402

READER = ROOT / 'docs' / 'read_store.py'
ROUNDS = int(os.environ.get('JZSE_READ_STORE_ROUNDS', '6'))
SEED = int(os.environ.get('JZSE_READ_STORE_SEED', '1'))
WORKER = ''
FIELDS = ('kind', 'size', 'etag', 'mtime_ns', 'version')


class ReadStore(cli_case.Case):
    def read(self, store=None, code=0, out=()):
        """What the script prints: {(namespace, path): line}, and what it complains of."""
        done = subprocess.run([sys.executable, READER, store or self.store, *out], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr[-2000:])
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {(line['namespace'], line['path']): line for line in lines}, done.stderr

    def command(self, store=None):
        """The same from the command."""
        at = ('--store', store or self.store)
        found = {}
        for namespace in self.json(*at, 'ns', 'list'):
            name = namespace['namespace']
            for line in self.json(*at, 'ls', '-R', name + ':'):
                if line['version'] != 0:  # a directory that its files imply
                    found[name, line['path']] = line
        return found

    def agree(self, store=None):
        """The script says of every file what the command says; the number of files."""
        script, _ = self.read(store)
        command = self.command(store)
        self.assertEqual(sorted(script), sorted(command))
        for name, line in command.items():
            other = script[name]
            self.assertEqual([line.get(field, other[field]) for field in FIELDS], [other[field] for field in FIELDS], name)
            self.assertEqual(int(line.get('mode', '0'), 8), other['mode'], name)
        return len(command)

    def exports_agree(self):
        """The trees that both write out are the same."""
        ours, theirs = self.path('ours'), self.path('theirs')
        self.read(out=(ours,))
        self.run_jzse('export', '/', theirs)
        contents = [{path: (kind, content) for path, (kind, _, _, content) in cli_case.snapshot(tree).items()}
                    for tree in (os.path.join(ours, 'default'), theirs)]
        self.assertEqual(contents[0], contents[1])
        self.assertGreater(len(contents[0]), 25)
        shutil.rmtree(ours)
        shutil.rmtree(theirs)

    def fill(self):
        """Everything that a store can hold, over several opens."""
        dice = random.Random(7)
        for i in range(30):
            self.write(f'tree/d{i % 4}/f{i}', dice.randbytes(dice.choice([0, 1, 100, 65536])))
        self.write('tree/edge', dice.randbytes(65537))
        self.write('tree/deep', dice.randbytes(9 << 20))
        self.write('tree/text', b'all work and no play ' * 50000)
        os.makedirs(self.path('tree/empty/inner'))
        os.symlink('../text', self.path('tree/d0/link'))
        self.run_jzse('import', self.path('tree'), '/')
        self.run_jzse('ns', 'create', 'packed', 'compression=9', 'chunk_min=4096', 'chunk_average=8192', 'chunk_max=16384')
        self.run_jzse('import', self.path('tree'), 'packed:sub')
        self.run_jzse('ns', 'create', 'names', 'kind=keys')
        for key in ('a//b', '/', '..', 'Zoë', 'x' * 1000):
            self.put('names:/' + key, key)
        self.run_jzse('ns', 'create', 'gone')
        self.put('gone:f', 'x')
        self.run_jzse('ns', 'drop', '--force', 'gone')

    def change(self):
        self.run_jzse('mv', 'd1', 'moved')
        self.run_jzse('mv', 'deep', 'moved/deeper')
        self.run_jzse('rm', '-r', 'd2')
        self.run_jzse('cp', 'd3/f3', 'd3/copy')
        self.run_jzse('put', '--type', 'text/plain', '--meta', 'who=me', '--mode', '600', self.path('tree/text'), 'text')
        self.put('d3/f7', 'first')
        self.put('d3/f7', 'second')
        number = self.json('versions', 'd3/f7')[1]['version']
        self.run_jzse('restore', 'd3/f7', '--version', str(number))
        self.run_jzse('rm', 'packed:sub/edge')
        self.run_jzse('mv', 'packed:sub/deep', 'packed:sub/deeper')

    def test_everything_and_after_compaction(self):
        self.fill()
        self.assertGreater(self.agree(), 70)
        self.change()
        self.agree()
        self.exports_agree()
        self.run_jzse('config', 'default', 'versions=0')
        self.run_jzse('compact', '--full')
        self.assertIn(3, [self.stream(path) for path in self.segments()], 'no cold segment')
        self.assertGreater(self.agree(), 70)
        self.exports_agree()
        self.put('after', 'compaction')
        self.agree()

    def test_metadata(self):
        self.write('f', b'x')
        self.run_jzse('put', '--type', 'text/plain', '--meta', 'who=me', '--meta', 'a=', '--mode', '640', self.path('f'), 'f')
        line = self.read()[0]['default', 'f']
        self.assertEqual((line['content_type'], line['metadata'], line['mode']), ('text/plain', {'a': '', 'who': 'me'}, 0o640))

    def segments(self, store=None):
        return sorted(pathlib.Path(store or self.store, 'segments').glob('*.seg'))

    def stream(self, path):
        return path.read_bytes()[12]

    def test_killed(self):
        """The script reads what the killed process left, and then the command does."""
        dice = random.Random(SEED)
        store, ledgers = self.path('killed'), self.path('ledgers')
        os.mkdir(ledgers)
        for turn in range(ROUNDS):
            worker = subprocess.Popen([WORKER, 'run', store, ledgers, str(SEED * 1000 + turn), '4'],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertIn(b'running', worker.stdout.readline())
            self.wait_until(lambda: any('\nA ' in path.read_text() for path in pathlib.Path(ledgers).iterdir()))
            time.sleep(dice.uniform(0.05, 0.6))
            worker.kill()
            worker.communicate()
            copy = self.path('copy')
            shutil.copytree(store, copy)
            script, _ = self.read(copy)
            command = self.command(copy)
            replay = f'JZSE_READ_STORE_SEED={SEED}, round {turn}'
            self.assertEqual({name: line['version'] for name, line in script.items()},
                             {name: line['version'] for name, line in command.items()}, replay)
            self.assertGreater(self.agree(copy), 0)
            shutil.rmtree(copy)
            if turn % 2:
                self.run_jzse('--store', store, 'compact', '--full')
                self.assertGreater(self.agree(store), 0, replay)

    def wait_until(self, condition):
        deadline = time.monotonic() + 300
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def unsealed(self):
        """A store whose process was killed while it had it open, its last commit segment, and what groups() says of that: at least
        one group is known to be durable by a later one."""
        for attempt in range(50):
            store, ledgers = self.path(f'open{attempt}'), self.path(f'ledgers{attempt}')
            os.mkdir(ledgers)
            worker = subprocess.Popen([WORKER, 'run', store, ledgers, '5', '1'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertIn(b'running', worker.stdout.readline())
            self.wait_until(lambda: len(self.groups(self.last_commit_segment(store))) > 20)
            worker.kill()
            worker.communicate()
            segment = self.last_commit_segment(store)
            groups = self.groups(segment)
            if len(groups) > 20 and groups[-1][3] >= groups[0][2]:
                return store, segment, groups
        self.fail('it begins a new segment all the time')

    def last_commit_segment(self, store):
        for path in reversed(self.segments(store)):
            try:
                if path.stat().st_size >= 4096 and self.stream(path) == 1:
                    return path
            except FileNotFoundError:
                pass  # a compaction replaced it
        return None

    def groups(self, path):
        """[(offset, length, last sequence, highest sequence known durable)] of the commit groups that follow each other."""
        try:
            data = path.read_bytes() if path else b''
        except FileNotFoundError:
            return []
        at, found = 4096, []
        while at + 40 <= len(data):
            place, sequence, length, count, durable = struct.unpack_from('<4xIQIIQ', data, at)
            if not place >> 24 & 1 or count == 0 or at + length > len(data) or found and sequence != found[-1][2] + 1:
                break
            found.append((at, length, sequence + count - 1, durable))
            at += length
        return found

    def test_torn_and_recycled_tail(self):
        store, segment, groups = self.unsealed()
        data = bytearray(segment.read_bytes())
        used = groups[-1][0] + groups[-1][1]
        data[used - 20:used] = bytes(20)  # the last record, or more than one, did not get to the disk
        foreign = self.segments(self.store)[0].read_bytes()[4096:4096 + 4096]
        data[used + 4096 & ~7:(used + 4096 & ~7) + len(foreign)] = foreign  # another life of the same blocks
        segment.write_bytes(data)
        self.assertGreater(self.agree(store), 0)

    def test_damage_before_what_was_acknowledged(self):
        """In an unsealed segment, too, damage is told from a torn tail: a later group knows that the record was durable."""
        store, segment, groups = self.unsealed()
        data = bytearray(segment.read_bytes())
        durable = [group for group in groups if group[2] <= groups[-1][3]]
        at, length = durable[len(durable) // 2][:2]
        data[at + length // 2] ^= 1
        segment.write_bytes(data)
        _, complaints = self.read(store, code=1)
        self.assertIn(segment.name, complaints)
        self.run_jzse('--store', store, 'rebuild', code=cli_case.CORRUPT)  # what the index knew of the record is no part of the format
        self.assertIn(segment.name, self.run_jzse('--store', store, 'verify', code=cli_case.CORRUPT).stderr.decode())

    def test_damage_is_told(self):
        self.fill()
        before, _ = self.read()
        segment = max((path for path in self.segments() if self.stream(path) == 1), key=lambda path: path.stat().st_size)
        data = bytearray(segment.read_bytes())
        data[len(data) // 3] ^= 1
        segment.write_bytes(data)
        after, complaints = self.read(code=1)
        self.assertIn(segment.name, complaints)
        self.assertLess(set(before) - set(after), set(before))
        self.assertLessEqual(len(before) - len(after), 1)

    def test_damaged_chunk_names_the_file(self):
        self.fill()
        segment = max((path for path in self.segments() if self.stream(path) == 2), key=lambda path: path.stat().st_size)
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
        _, complaints = self.read(code=1)
        self.assertRegex(complaints, 'default:(deep|edge|text)|packed:sub/')

    def test_what_only_the_census_knows(self):
        """A segment's end with its trailer, and a whole segment: nothing else is left that could tell of them."""
        self.put('kept', 'x' * 1000)
        self.put('lost', 'y' * 1000)
        self.agree()
        last = self.segments()[-1]
        whole = last.read_bytes()
        last.write_bytes(whole[:5000])
        _, complaints = self.read(code=1)
        self.assertIn(f'{last.name}: its trailer is damaged', complaints)
        last.unlink()
        _, complaints = self.read(code=1)
        self.assertEqual(complaints, f'{last.name}: the segment is missing\n')
        last.write_bytes(whole)
        census = pathlib.Path(self.store, 'SEGMENTS')
        data = bytearray(census.read_bytes())
        data[30] ^= 1
        census.write_bytes(data)
        _, complaints = self.read(code=1)
        self.assertEqual(complaints, 'SEGMENTS: the census is damaged\n')
        census.unlink()
        self.agree()

    def test_small_and_independent(self):
        text = READER.read_text()
        self.assertLessEqual(len(text.splitlines()), 170)
        used = set(re.findall(r'\w+', re.search(r'^import (.*?)(#|$)', text, flags=re.M)[1]))
        self.assertEqual(used - {'hashlib', 'json', 'pathlib', 're', 'struct', 'sys', 'xxhash', 'zstandard'}, set())
        self.assertEqual(len(re.findall(r'^\s*(?:import|from) ', text, flags=re.M)), 1)


if __name__ == '__main__':
    WORKER = os.path.abspath(sys.argv.pop(2))
    cli_case.main()
