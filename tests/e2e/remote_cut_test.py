#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that break, answers that are lost, servers that are killed and commands that are interrupted: what arrives is what was
sent, and what had arrived before is not sent again. A proxy between the two counts the bytes."""
import os
import signal
import threading
import unittest

import cli_case
import remote_case
from remote_case import IO, MIB, NOT_FOUND, OK, PRECONDITION, noise
from server_case import wait_until

SLACK = 256 * 1024  # heads, descriptions, answers
PIECE = 4 * MIB     # what an upload loses at most with a connection
INTERRUPTED = 128 + signal.SIGINT


class Downloads(remote_case.Case):
    def setUp(self):
        super().setUp()
        self.content = noise(40 * MIB + 12345)
        self.write('source', self.content)
        self.run_jzse('put', self.path('source'), self.url('big', base=f'http://127.0.0.1:{self.server.port}'))
        self.proxy.up = self.proxy.down = 0

    def test_cut_twice(self):
        self.proxy.cuts = [('down', 10 * MIB, 'fin'), ('down', 25 * MIB, 'fin')]
        self.run_jzse('get', self.url('big'), 'out')
        self.same(self.read('out'), self.content)
        self.assertEqual(self.proxy.cuts, [])
        self.assertLess(self.proxy.down, len(self.content) + SLACK)
        self.assertEqual(self.parts(), [])

    def test_reset(self):
        """A reset throws away what the kernel held for the client: that is fetched again, and no more."""
        self.proxy.cuts = [('down', 20 * MIB, 'rst')]
        self.run_jzse('get', self.url('big'), 'out')
        self.same(self.read('out'), self.content)
        self.assertLess(self.proxy.down, len(self.content) + 16 * MIB)

    def test_to_standard_output(self):
        self.proxy.cuts = [('down', 15 * MIB, 'fin')]
        self.same(self.run_jzse('cat', self.url('big')).stdout, self.content)
        self.assertLess(self.proxy.down, len(self.content) + SLACK)

    def test_goes_on_in_the_next_command(self):
        for verb, out in (('get', 'out'), ('export', 'tree')):
            with self.subTest(verb):
                self.proxy.refusing = False
                before = self.proxy.down
                self.proxy.cuts = [('down', before + 20 * MIB, 'for good')]
                folder = '' if verb == 'get' else out
                self.run_jzse('--wait', '0.3', verb, self.url('big'), out, code=IO)
                parts = self.parts(folder)
                self.assertEqual(len(parts), 1)
                have = os.path.getsize(self.path(folder, parts[0]))
                self.assertGreater(have, 12 * MIB)
                self.proxy.refusing, before = False, self.proxy.down
                self.run_jzse(verb, self.url('big'), out)
                self.same(self.read(os.path.join(folder, out if verb == 'get' else 'big')), self.content)
                self.assertLess(self.proxy.down - before, len(self.content) - have + SLACK)
                self.assertEqual(self.parts(folder), [])

    def test_another_version_begins_anew(self):
        self.proxy.cuts = [('down', 20 * MIB, 'for good')]
        self.run_jzse('--wait', '0.3', 'get', self.url('big'), 'out', code=IO)
        self.proxy.refusing = False
        changed = noise(30 * MIB, 1)
        self.write('source', changed)
        self.run_jzse('put', self.path('source'), self.url('big'))
        self.run_jzse('get', self.url('big'), 'out')
        self.same(self.read('out'), changed)

    def test_changed_under_way(self):
        """The version that was begun is read to its end, or nothing is."""
        self.proxy.hold['down'] = 10 * MIB
        getting = self.start_jzse('get', self.url('big'), 'out')
        wait_until(lambda: self.proxy.down >= 10 * MIB)
        self.write('source', noise(30 * MIB, 1))
        self.run_jzse('put', self.path('source'), self.url('big', base=f'http://127.0.0.1:{self.server.port}'))
        self.proxy.close_all('fin')
        self.proxy.hold.clear()
        out, err = getting.communicate(timeout=300)
        self.assertEqual(getting.returncode, OK, err)
        self.same(self.read('out'), self.content)

    def test_changed_and_forgotten(self):
        direct = f'http://127.0.0.1:{self.server.port}'
        self.run_jzse('--store', direct, 'ns', 'set', 'default', 'versions=0')
        self.proxy.hold['down'] = 10 * MIB
        getting = self.start_jzse('get', self.url('big'), 'out')
        wait_until(lambda: self.proxy.down >= 10 * MIB)
        self.run_jzse('put', '-', self.url('big', base=direct), input=b'another')
        self.proxy.close_all('fin')
        self.proxy.hold.clear()
        _, err = getting.communicate(timeout=300)
        self.assertEqual(getting.returncode, PRECONDITION, err)
        self.assertIn(b'changed while it was read', err)
        self.assertEqual((os.path.exists(self.path('out')), self.parts()), (False, []))

    def test_interrupted(self):
        self.proxy.hold['down'] = 16 * MIB
        getting = self.start_jzse('get', self.url('big'), 'out')
        # Not what the proxy has sent counts, of which the kernel may hold ten MiB, but what was taken.
        wait_until(lambda: [name for name in self.parts() if os.path.getsize(self.path(name)) > 12 * MIB])
        getting.send_signal(signal.SIGINT)
        _, err = getting.communicate(timeout=300)
        self.assertEqual((getting.returncode, err), (INTERRUPTED, b'jzse: interrupted\n'))
        self.assertEqual(len(self.parts()), 1)
        self.assertFalse(os.path.exists(self.path('out')))
        self.proxy.close_all('fin')
        self.proxy.hold.clear()
        before = self.proxy.down
        self.run_jzse('get', self.url('big'), 'out')
        self.same(self.read('out'), self.content)
        self.assertLess(self.proxy.down - before, 30 * MIB)

    def test_two_at_once(self):
        """Whoever finds the part in use takes another."""
        both = [self.start_jzse('get', self.url('big'), 'out') for _ in range(2)]
        for one in both:
            _, err = one.communicate(timeout=300)
            self.assertEqual(one.returncode, OK, err)
        self.same(self.read('out'), self.content)
        self.assertEqual(self.parts(), [])


class Uploads(remote_case.Case):
    def setUp(self):
        super().setUp()
        self.content = noise(40 * MIB + 12345)
        self.source = self.write('source', self.content)
        self.direct = f'http://127.0.0.1:{self.server.port}'

    def stored(self, path='big'):
        return self.run_jzse('cat', self.url(path, base=self.direct)).stdout

    def versions(self, path):
        return len(self.run_jzse('versions', self.url(path, base=self.direct)).stdout.splitlines())

    def notes(self):
        folder = self.path('state', 'jzse', 'uploads')
        return os.listdir(folder) if os.path.isdir(folder) else []

    def test_cut_twice(self):
        for how in ('fin', 'rst'):
            with self.subTest(how):
                before = self.proxy.up
                self.proxy.cuts = [('up', before + 10 * MIB, how), ('up', before + 25 * MIB, how)]
                self.run_jzse('put', self.source, self.url(how))
                self.same(self.stored(how), self.content)
                self.assertEqual(self.proxy.cuts, [])
                self.assertLess(self.proxy.up - before, len(self.content) + (2 + self.proxy.conflicts) * PIECE + SLACK)
                self.assertEqual((self.versions(how), self.notes()), (1, []))

    def test_goes_on_in_the_next_command(self):
        for verb, source in (('put', self.source), ('import', self.path('tree'))):
            with self.subTest(verb):
                if verb == 'import':
                    os.mkdir(self.path('tree'))
                    os.rename(self.source, self.path('tree', 'big'))
                self.proxy.refusing, before = False, self.proxy.up
                self.proxy.cuts = [('up', before + 22 * MIB, 'for good')]
                self.run_jzse('--wait', '0.3', verb, source, self.url(verb + '/'), code=IO)
                self.assertEqual(len(self.notes()), 1)
                self.proxy.refusing, before = False, self.proxy.up
                self.run_jzse(verb, source, self.url(verb + '/'))
                self.same(self.stored(verb + '/' + ('source' if verb == 'put' else 'big')), self.content)
                self.assertLess(self.proxy.up - before, len(self.content) - 22 * MIB + (2 + self.proxy.conflicts) * PIECE + SLACK)
                self.assertEqual(self.notes(), [])

    def test_changed_source_begins_anew(self):
        self.proxy.cuts = [('up', 22 * MIB, 'for good')]
        self.run_jzse('--wait', '0.3', 'put', self.source, self.url('big'), code=IO)
        changed = noise(len(self.content), 1)
        self.write('source', changed)
        self.proxy.refusing = False
        self.run_jzse('put', self.source, self.url('big'))
        self.same(self.stored(), changed)

    def test_stale_note(self):
        """A note of an upload that the server does not know is no obstacle."""
        self.proxy.cuts = [('up', 22 * MIB, 'for good')]
        self.run_jzse('--wait', '0.3', 'put', self.source, self.url('big'), code=IO)
        note = self.path('state', 'jzse', 'uploads', self.notes()[0])
        for text in ('/v1/uploads/' + '0' * 32, '/v1/namespaces/default', 'x' * 10000, ''):
            with open(note, 'w', encoding='ascii') as f:
                f.write(text + '\n')
            self.proxy.refusing = False
            self.run_jzse('put', self.source, self.url('big'))
            self.same(self.stored(), self.content)

    def test_interrupted(self):
        self.proxy.hold['up'] = 16 * MIB
        putting = self.start_jzse('put', self.source, self.url('big'))
        wait_until(lambda: self.proxy.up >= 16 * MIB)
        putting.send_signal(signal.SIGINT)
        _, err = putting.communicate(timeout=300)
        self.assertEqual(putting.returncode, INTERRUPTED, err)
        self.assertEqual(len(self.notes()), 1)
        self.run_jzse('stat', self.url('big', base=self.direct), code=NOT_FOUND)
        self.proxy.close_all('fin')
        self.proxy.hold.clear()
        before = self.proxy.up
        self.run_jzse('put', self.source, self.url('big'))
        self.same(self.stored(), self.content)
        self.assertLess(self.proxy.up - before, len(self.content) - 12 * MIB + (1 + self.proxy.conflicts) * PIECE)

    def test_lost_end(self):
        """The answer to the last piece is lost: the target is there once."""
        self.write('source', self.content[:6 * MIB])
        self.proxy.lose = [b'PATCH ', b'PATCH ']
        done = self.run_jzse('put', self.source, self.url('big'), '-n', '--json')
        self.assertEqual(self.proxy.lose, [])
        self.same(self.stored(), self.content[:6 * MIB])
        self.assertEqual(self.versions('big'), 1)
        self.assertIn(b'"version"', done.stdout)

    def test_pipe(self):
        """Of unknown size: one request, which nobody may repeat."""
        self.proxy.cuts = [('up', 10 * MIB, 'fin')]
        done = self.run_jzse('put', '-', self.url('big'), input=self.content, code=IO)
        self.assertIn(b'jzse: ', done.stderr)
        self.run_jzse('stat', self.url('big'), code=NOT_FOUND)
        self.run_jzse('put', '-', self.url('big'), input=self.content)
        self.same(self.stored(), self.content)

    def test_damaged_on_the_way(self):
        """A changed byte is found by the server, and the piece is sent again."""
        marked = b'\n0123456789 marker for the proxy\n'
        for size in (1000, 1 * MIB, 6 * MIB):
            with self.subTest(size=size):
                content = noise(size, 2) + marked + noise(100, 3)
                self.write('source', content)
                self.proxy.flip = [('up', marked)]
                self.run_jzse('put', self.source, self.url(f'marked-{size}'))
                self.assertEqual(self.proxy.flip, [], 'the marker was split between two reads; this run proves nothing')
                self.same(self.stored(f'marked-{size}'), content)
        content = noise(30_000, 2) + marked
        self.write('source', content)
        self.run_jzse('put', self.source, self.url('small'))
        self.proxy.flip = [('down', marked)]
        self.same(self.run_jzse('cat', self.url('small')).stdout, content)
        self.assertEqual(self.proxy.flip, [])


class LostAnswers(remote_case.Case):
    """The change is made, its answer never comes: the outcome is told as if it had."""

    def setUp(self):
        super().setUp()
        self.a = self.write('a', b'content of a')
        self.run_jzse('put', self.a, self.url('there'))

    def lost(self, begin, *args, code=OK):
        self.proxy.lose = [begin]
        done = self.run_jzse(*args, code=code)
        self.assertEqual(self.proxy.lose, [], 'no such request was made')
        return done

    def versions(self, path):
        return len(self.run_jzse('versions', self.url(path)).stdout.splitlines())

    def test_put(self):
        self.lost(b'PUT ', 'put', self.a, self.url('new'), '-n')
        self.assertEqual(self.versions('new'), 1)
        self.lost(b'PUT ', 'put', self.a, self.url('new2'))
        self.assertEqual(self.versions('new2'), 1)
        large = self.write('large', noise(3 * MIB))
        self.lost(b'PUT ', 'put', large, self.url('new3'), '-n')
        self.assertEqual(self.versions('new3'), 1)
        self.lost(b'POST /v1/batch', 'put', self.a, self.url('new4'), '--meta', 'Odd Key=x', '-n')
        self.assertEqual(self.versions('new4'), 1)

    def test_put_that_did_not_hold(self):
        """Somebody else's file is not taken for ours."""
        self.write('a', b'another')
        self.lost(b'PUT ', 'put', self.a, self.url('there'), '-n', code=PRECONDITION)
        self.assertEqual(self.run_jzse('cat', self.url('there')).stdout, b'content of a')

    def test_names(self):
        self.lost(b'POST /v1/namespaces/default/copy', 'cp', '-n', self.url('there'), self.url('copy'))
        self.lost(b'POST /v1/namespaces/default/move', 'mv', '-n', self.url('there'), self.url('moved'))
        self.run_jzse('stat', self.url('there'), code=NOT_FOUND)
        self.lost(b'DELETE ', 'rm', self.url('moved'))
        self.lost(b'PUT ', 'mkdir', self.url('folder'))
        self.lost(b'DELETE ', 'rm', '-r', self.url('folder'))
        self.assertEqual(self.run_jzse('ls', self.url()).stdout, b'copy\n')

    def test_namespaces(self):
        store = ('--store', self.base)
        self.lost(b'PUT ', *store, 'ns', 'create', 'new', 'kind=keys')
        self.lost(b'PATCH ', *store, 'ns', 'set', 'new', 'versions=2')
        self.lost(b'DELETE ', *store, 'ns', 'drop', 'new')
        self.assertNotIn(b'new', self.run_jzse(*store, 'ns', 'list').stdout)

    def test_batch(self):
        """Nothing can tell what became of it: that is what is said."""
        self.run_jzse('mkdir', self.url('d'))
        self.run_jzse('put', self.a, self.url('d/'))
        done = self.lost(b'POST /v1/batch', 'cp', '-r', self.url('d'), self.url('e'), code=IO)
        self.assertIn(b'whether the change was made is not known', done.stderr)

    def test_reads(self):
        for verb in ('cat', 'stat', 'versions', 'ls', 'log'):
            self.lost(b'GET ', verb, self.url('there'))

    def test_tasks(self):
        self.lost(b'GET /v1/tasks', '--store', self.base, 'verify')


class Trees(remote_case.Case):
    def tree(self):
        for i in range(300):
            self.write(f'in/d{i % 7}/f{i}', noise(100 + 97 * i, i))
        for i in range(4):
            self.write(f'in/large{i}', noise(9 * MIB + i, 1000 + i))

    def test_server_killed(self):
        """In the middle of an import and of an export, and started again."""
        self.tree()

        one_at_a_time = threading.Lock()

        def restart():
            with one_at_a_time:
                self.server.kill()
                self.server.start()

        self.proxy.on_cut = restart
        self.proxy.cuts = [('up', 1 * MIB, 'rst'), ('up', 20 * MIB, 'rst')]
        done = self.run_jzse('--wait', '300', 'import', 'in', self.url('t'), '--json')
        self.assertEqual(self.proxy.cuts, [])
        self.assertIn(b'"stored":304,', done.stdout)
        self.assertIn(b'"errors":0,', done.stdout)
        self.proxy.cuts = [('down', self.proxy.down + 15 * MIB, 'rst')]
        self.run_jzse('--wait', '300', 'export', self.url('t'), 'out')
        self.assertEqual(self.proxy.cuts, [])
        self.assertEqual(self.summary('out'), self.summary('in'))
        again = self.run_jzse('import', 'in', self.url('t'), '--json').stdout
        self.assertIn(b'"stored":0,', again)
        self.run_jzse('--store', self.base, 'verify')

    def test_server_gone(self):
        """What was imported is there; the same command goes on."""
        self.tree()
        self.proxy.cuts = [('up', 12 * MIB, 'for good')]
        self.run_jzse('--wait', '0.3', 'import', 'in', self.url('t'), code=IO)
        self.proxy.refusing = False
        self.run_jzse('import', 'in', self.url('t'))
        self.run_jzse('export', self.url('t'), 'out')
        self.assertEqual(self.summary('out'), self.summary('in'))

    def test_interrupted(self):
        self.tree()
        self.proxy.hold['up'] = 12 * MIB
        importing = self.start_jzse('import', 'in', self.url('t'))
        wait_until(lambda: self.proxy.up >= 12 * MIB)
        importing.send_signal(signal.SIGINT)
        _, err = importing.communicate(timeout=300)
        self.assertEqual(importing.returncode, INTERRUPTED, err)
        self.assertIn(b'goes on from there', err)
        self.proxy.close_all('fin')
        self.proxy.hold.clear()
        self.run_jzse('import', 'in', self.url('t'))
        self.run_jzse('export', self.url('t'), 'out')
        self.assertEqual(self.summary('out'), self.summary('in'))

    def test_parallel(self):
        """As many connections as --jobs, and no more than a few for the rest."""
        self.tree()
        self.proxy.hold['up'] = 64 * 1024  # nothing gets an answer until each job has asked for something
        importing = self.start_jzse('import', 'in', self.url('t'), '--jobs', '6')
        wait_until(lambda: self.proxy.connections >= 6)
        self.proxy.hold.clear()
        _, err = importing.communicate(timeout=300)
        self.assertEqual(importing.returncode, OK, err)
        self.assertLessEqual(self.proxy.connections, 10)
        before = self.proxy.connections
        self.run_jzse('export', self.url('t'), 'out', '--jobs', '1')
        self.assertLessEqual(self.proxy.connections - before, 3)
        self.assertEqual(self.summary('out'), self.summary('in'))

    def summary(self, folder):
        return {path: (kind, mode, mtime, hash(content)) for path, (kind, mode, mtime, content) in cli_case.snapshot(self.path(folder)).items()}


class Watching(remote_case.Case):
    def waits_for_changes(self, before):
        wait_until(lambda: any('/v1/changes?' in line and 'wait=' in line for line in self.proxy.requests[before:]))

    def test_survives_the_server(self):
        watching = self.start_jzse('watch', self.url(), '--limit', '3')
        self.addCleanup(watching.kill)
        self.waits_for_changes(0)
        self.run_jzse('put', '-', self.url('one'), input=b'1')
        self.assertIn(b'put', watching.stdout.readline())
        self.proxy.refusing = True
        self.server.kill()
        self.server.start()
        self.proxy.refusing = False
        self.run_jzse('put', '-', self.url('two'), input=b'2')
        self.run_jzse('rm', self.url('one'))
        out, err = watching.communicate(timeout=300)
        self.assertEqual(watching.returncode, OK, err)
        self.assertEqual([(line.split()[3], line.split()[-1]) for line in out.splitlines()], [(b'put', b'two'), (b'delete', b'one')])

    def test_interrupted(self):
        for args in (('watch', self.url()), ('log', '-f', self.url())):
            before = len(self.proxy.requests)
            watching = self.start_jzse(*args)
            self.waits_for_changes(before)
            watching.send_signal(signal.SIGINT)
            _, err = watching.communicate(timeout=300)
            self.assertEqual((watching.returncode, err), (INTERRUPTED, b''))


if __name__ == '__main__':
    remote_case.main()
