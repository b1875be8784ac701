#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The line server: answers in order however requests overlap, followers see every change, what was answered "ok" is there
after kill -9, one slow client holds up nobody, SIGTERM ends it.

    lines_test.py PROGRAM [SEED]
"""
import random
import signal
import socket
import subprocess
import sys
import threading

from example import Case, main


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(600)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile('r', newline='\n')

    def send(self, *lines):
        self.socket.sendall(''.join(line + '\n' for line in lines).encode())

    def read(self):
        return self.lines.readline().rstrip('\n')

    def ask(self, line):
        self.send(line)
        return self.read()

    def close(self):
        self.lines.close()
        self.socket.close()


class Lines(Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(self.seed)
        self.server = None
        self.start()
        self.addCleanup(self.end)

    def start(self):
        self.server = subprocess.Popen([self.program, self.path / 'store', self.path / 'socket'],
                                       stdout=subprocess.PIPE, text=True)
        self.assertEqual(self.server.stdout.readline(), 'ready\n')

    def end(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def client(self):
        client = Client(self.path / 'socket')
        self.addCleanup(client.close)
        return client

    def test_answers(self):
        client = self.client()
        self.assertRegex(client.ask('put a hello there'), r'^ok \d+$')
        self.assertEqual(client.ask('get a'), 'ok hello there')
        self.assertRegex(client.ask('get none'), '^error JZSE_NOT_FOUND .*none')
        self.assertRegex(client.ask('put a/b below a file'), '^error JZSE_EXISTS ')
        self.assertRegex(client.ask('put ../x y'), '^error JZSE_INVALID ')
        self.assertRegex(client.ask('dance'), '^error JZSE_INVALID ')
        self.assertEqual(client.ask('del a'), 'ok')
        large = 'x' * 300_000
        self.assertRegex(client.ask('put large ' + large), '^ok ')
        self.assertEqual(client.ask('get large'), 'ok ' + large)

    def test_many_at_once_in_order(self):
        follower = self.client()
        self.assertEqual(follower.ask('follow'), 'ok')
        failures = []

        def work(name):
            client = self.client()
            for begin in range(0, 400, 100):
                client.send(*(f'put {name}/{i} text {i}' for i in range(begin, begin + 100)))
                sequences = [client.read() for _ in range(100)]
                client.send(*(f'get {name}/{i}' for i in range(begin, begin + 100)))
                answers = [client.read() for _ in range(100)]
                if not all(line.startswith('ok ') for line in sequences) or \
                        answers != [f'ok text {i}' for i in range(begin, begin + 100)]:
                    failures.append((name, sequences, answers))
        threads = [threading.Thread(target=work, args=[name]) for name in 'abc']
        for thread in threads:
            thread.start()
        seen = [follower.read() for _ in range(1200)]
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(sorted(seen), sorted(f'change put {name}/{i}' for name in 'abc' for i in range(400)))

    def test_killed_while_writing(self):
        acknowledged = {}
        for attempt in range(5):
            client = self.client()
            client.send(*(f'put k{i} {attempt} {i}' for i in range(100)))
            for i in range(self.random.randrange(1, 100)):
                self.assertRegex(client.read(), '^ok ')
                acknowledged[i] = attempt
            self.end()
            self.start()
            client = self.client()
            for i, newest in acknowledged.items():
                answer = client.ask(f'get k{i}')
                self.assertRegex(answer, rf'^ok \d {i}$')
                self.assertGreaterEqual(int(answer.split()[1]), newest)

    def test_a_client_that_does_not_read(self):
        stuck, client = self.client(), self.client()
        self.assertRegex(client.ask('put big ' + 'x' * 200_000), '^ok ')

        def ask_without_end():
            try:
                for _ in range(400):
                    stuck.send('get big')
            except OSError:
                pass
        thread = threading.Thread(target=ask_without_end)
        thread.start()
        for i in range(50):
            self.assertRegex(client.ask(f'put small {i}'), '^ok ')
        # The server does not read on from whom it cannot answer, so the thread may wait in send until now.
        self.assertEqual(stuck.read(), 'ok ' + 'x' * 200_000)
        for _ in range(399):
            self.assertEqual(len(stuck.read()), 200_003)
        thread.join(600)

    def test_ended_by_a_signal(self):
        client = self.client()
        self.assertRegex(client.ask('put a 1'), '^ok ')
        client.send(*(f'put b{i} x' for i in range(50)))
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(600), 0)
        self.server.stdout.close()
        self.start()
        self.assertEqual(self.client().ask('get a'), 'ok 1')


if __name__ == '__main__':
    sys.exit(main(__doc__))
