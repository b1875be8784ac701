#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a person at a terminal sees and does: colour, progress, escaping, Ctrl-C."""
import json
import os
import pty
import select
import signal
import subprocess
import time

import cli_case
from cli_case import OK, Case, environment, snapshot


class Terminal(Case):
    def on_terminal(self, *args, input=None, until=b'', **env):
        """(exit code, what the terminal got) with standard output and error on it. The last piece of the input waits until `until` was seen."""
        leader, follower = pty.openpty()
        process = subprocess.Popen([cli_case.JZSE, *args], stdin=subprocess.PIPE, stdout=follower, stderr=follower,
                                   env=environment(JZSE_STORE=self.store, TERM='xterm', **env), cwd=self.dir)
        os.close(follower)
        seen = b''
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if input and (len(input) > 1 or until in seen):
                process.stdin.write(input.pop(0))
                process.stdin.flush()
                if not input:
                    process.stdin.close()
            ready, _, _ = select.select([leader], [], [], 0.3)
            if not ready:
                continue
            try:
                data = os.read(leader, 65536)
            except OSError:
                break   # the other side is closed
            if not data:
                break
            seen += data
        os.close(leader)
        return process.wait(timeout=300), seen

    def test_colour(self):
        self.run_jzse('mkdir', 'd')
        self.assertIn(b'\x1b[1;34md/\x1b[0m', self.on_terminal('ls')[1])
        self.assertNotIn(b'\x1b', self.on_terminal('ls', '--no-color')[1])
        self.assertNotIn(b'\x1b', self.on_terminal('ls', NO_COLOR='1')[1])
        self.assertNotIn(b'\x1b', self.run_jzse('ls').stdout)
        self.assertIn(b'\x1b[1;31mjzse:', self.on_terminal('cat', 'gone')[1])
        self.assertNotIn(b'\x1b', self.on_terminal('--json', 'ls')[1])

    def test_names_are_escaped_on_a_terminal_only(self):
        self.put('evil\u202egpj.exe', 'x')
        self.assertIn(b'evil\\u{202e}gpj.exe', self.on_terminal('ls')[1])
        self.assertIn('evil\u202egpj.exe', self.out('ls'))

    def test_progress(self):
        pieces = [os.urandom(100_000) for _ in range(5)]
        code, seen = self.on_terminal('put', '-', 'f', input=list(pieces), until=b'KiB/s')
        self.assertEqual(code, OK)
        self.assertIn(b'put', seen)
        self.assertIn(b'KiB/s', seen)
        self.assertTrue(seen.endswith(b'\r\x1b[K') or seen.endswith(b'\r\n'), seen[-80:])
        self.assertEqual(self.cat('f'), b''.join(pieces))
        self.assertEqual(self.on_terminal('-q', 'put', '-', 'g', input=list(pieces))[1], b'')
        self.assertEqual(self.run_jzse('put', '-', 'h', input=b'x').stderr, b'')


class Interrupt(Case):
    def start(self, *args, **options):
        return subprocess.Popen([cli_case.JZSE, *args], env=environment(JZSE_STORE=self.store), cwd=self.dir,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options)

    def test_import_can_be_interrupted_and_goes_on(self):
        for i in range(3000):
            self.write(f'in/{i % 30}/{i}', os.urandom(2000))
        stopped = 0
        for attempt in range(20):
            process = self.start('--json', '--verbose', 'import', 'in')
            process.stdout.readline()   # it is at work
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=300)
            self.assertIn(process.returncode, (OK, 128 + signal.SIGINT), err)
            if process.returncode != OK:
                stopped += 1
                self.assertIn(b'interrupted', err)
                # Whatever it told of is there.
                told = [json.loads(line) for line in out.splitlines()]
                stored = {e['path'] for e in self.json('ls', '-R')}
                self.assertEqual([r['path'] for r in told if r['action'] == 'put' and r['path'] not in stored], [])
                break
            self.run_jzse('rm', '-r', *self.lines('ls'))
        self.assertEqual(stopped, 1)
        self.assertTrue(self.json('verify')[-1]['ok'])
        self.run_jzse('import', 'in')
        self.run_jzse('export', '/', 'out')
        self.assertEqual(snapshot(self.path('out')), snapshot(self.path('in')))

    def test_export_leaves_only_whole_files(self):
        for i in range(2000):
            self.write(f'in/{i}', b'%d' % i * 1000)
        self.run_jzse('import', 'in')
        process = self.start('--verbose', 'export', '/', 'out')
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)
        self.assertIn(process.returncode, (OK, 128 + signal.SIGTERM))
        self.no_temporary_files(self.path('out'))
        for name in os.listdir(self.path('out')):
            self.assertEqual(os.path.getsize(self.path('out', name)), len(name) * 1000)

    def test_put_from_a_pipe_stores_all_or_nothing(self):
        process = self.start('put', '-', 'f', stdin=subprocess.PIPE)
        process.stdin.write(b'x' * 300_000)
        process.stdin.flush()
        time.sleep(0.3)   # so that it is reading; whether it is changes nothing about the outcome
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
        self.assertIn(process.returncode, (128 + signal.SIGINT, -signal.SIGINT), err)
        self.assertEqual(self.out('ls'), '')

    def test_killed_import_loses_nothing_it_told_of(self):
        for i in range(1000):
            self.write(f'in/{i}', b'%d' % i)
        process = self.start('--verbose', 'import', 'in')
        told = [process.stdout.readline() for _ in range(20)]
        process.kill()
        told += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        process.stderr.close()
        stored = set(self.lines('ls'))
        told = {line.decode().split()[1] for line in told if line.endswith(b'\n')}
        self.assertEqual(told - stored, set())
        self.assertTrue(self.json('verify')[-1]['ok'])

    def test_watch_ends_on_request(self):
        process = self.start('watch', '--after', '0')
        self.put('f', '1')
        self.assertIn(b' f', process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
        self.assertEqual(process.returncode, 128 + signal.SIGINT)


cli_case.main()
