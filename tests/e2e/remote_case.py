# SPDX-License-Identifier: Apache-2.0
"""What the tests of `jzse` over HTTP share: a real jzsed, and a proxy of our own between the two that counts bytes, cuts
connections, loses answers and damages contents.

A test file ends with `remote_case.main()`; its arguments are the built jzse and jzsed. JZSE_TEST_SEED replays random contents.
"""
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'server'))

import cli_case  # noqa: E402
import server_case  # noqa: E402

MIB = 1 << 20
OK, FAILED, USAGE, NOT_FOUND, EXISTS, PRECONDITION, CORRUPT = range(7)
READ_ONLY, TOO_LARGE, UNSUPPORTED, IO, BUSY = range(9, 14)
SEED = int(os.environ.get('JZSE_TEST_SEED', random.SystemRandom().randrange(1 << 32)))


def noise(size, salt=0):
    return random.Random(SEED + salt).randbytes(size)


class Proxy:
    """Forwards connections to a port. Rules may be set at any time; each is for the whole proxy."""

    def __init__(self, port):
        self.port_behind = port
        self.lock = threading.RLock()
        self.up = self.down = self.connections = 0  # bytes and connections so far
        self.cuts = []         # (direction, total bytes, how): once so many bytes went that way, what is open is closed
        self.lose = []         # beginnings of requests whose answer is thrown away, each once
        self.flip = []         # (direction, bytes): where they pass, their last one is changed, once
        self.hold = {}         # direction -> total bytes beyond which nothing is forwarded
        self.refusing = False  # new connections are closed at once
        self.on_cut = None     # called after each cut
        self.requests = []     # first lines of what looks like a request
        self.conflicts = 0     # answers 409: what was sent with the request was sent in vain
        self.open = set()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()
        self.close_all('fin')

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                behind = socket.create_connection(('127.0.0.1', self.port_behind))
            except OSError:
                client.close()
                continue
            pair = Pair(client, behind)
            with self.lock:
                self.connections += 1
                self.open.add(pair)
                refused = self.refusing  # since it was looked at; who sets it closes what is open afterwards
            if refused:
                pair.close('fin')
            for direction in ('up', 'down'):
                threading.Thread(target=self.forward, args=(pair, direction), daemon=True).start()

    def close_all(self, how):
        with self.lock:
            pairs, self.open = self.open, set()
        for pair in pairs:
            pair.close(how)

    def forward(self, pair, direction):
        source, sink = (pair.client, pair.behind) if direction == 'up' else (pair.behind, pair.client)
        try:
            while data := source.recv(65536):
                data = self.pass_rules(pair, direction, data + self.rest_of_marker(direction, source, data))
                sink.sendall(data)
                self.count(direction, len(data))
        except OSError:
            pass
        with self.lock:
            self.open.discard(pair)
            pair.close('fin')
            pair.ended += 1
            if pair.ended == 2:
                pair.client.close()
                pair.behind.close()

    def rest_of_marker(self, direction, source, data):
        """So that what is to be flipped passes in one piece, wherever a read ends."""
        more = b''
        for marker in [rule[1] for rule in self.flip if rule[0] == direction]:
            while any((data + more).endswith(marker[:size]) for size in range(1, len(marker))) and select.select([source], [], [], 5)[0]:
                piece = source.recv(65536)
                if not piece:
                    break
                more += piece
        return more

    def pass_rules(self, pair, direction, data):
        while (limit := self.hold.get(direction)) is not None and getattr(self, direction) >= limit:
            time.sleep(0.01)
        with self.lock:
            if direction == 'up':
                line = data[:200].split(b'\r\n')[0]
                if line.endswith(b' HTTP/1.1'):
                    self.requests.append(line.decode())
                for begin in self.lose:
                    if data.startswith(begin):
                        self.lose.remove(begin)
                        pair.loses = True
                        break
            elif pair.loses:
                pair.close('fin')
                raise OSError('lost on purpose')
            elif data.startswith(b'HTTP/1.1 409 '):
                self.conflicts += 1
            for rule in self.flip:
                at = data.find(rule[1]) if rule[0] == direction else -1
                if at >= 0:
                    self.flip.remove(rule)
                    last = at + len(rule[1]) - 1
                    return data[:last] + bytes([data[last] ^ 1]) + data[last + 1:]
        return data

    def count(self, direction, size):
        with self.lock:
            setattr(self, direction, getattr(self, direction) + size)
            due = [cut for cut in self.cuts if cut[0] == direction and getattr(self, direction) >= cut[1]]
            for cut in due:
                self.cuts.remove(cut)
        for cut in due:
            if cut[2] == 'for good':
                self.refusing = True
            self.close_all('rst' if cut[2] == 'rst' else 'fin')
            if self.on_cut:
                self.on_cut()


class Pair:
    def __init__(self, client, behind):
        self.client, self.behind, self.loses, self.ended = client, behind, False, 0

    def close(self, how):
        for end in (self.client, self.behind):
            try:
                if how == 'rst':  # is sent by the close, once both threads have let go
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                    end.shutdown(socket.SHUT_RD)
                    end.close()
                else:
                    end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def patient(args):
    """What may take its time on a loaded machine is waited for, but where the test is about an end of the patience."""
    return args if '--wait' in args else ('--wait', '300', *args)


class Case(unittest.TestCase):
    """A jzsed of its own with a proxy before it, and folders for real files."""
    maxDiff = None
    options = ()

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='jzse-remote-')
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.server = server_case.Server(*self.options)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.close)
        self.base = f'http://127.0.0.1:{self.proxy.port}'
        self.env = cli_case.environment(XDG_STATE_HOME=self.path('state'))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def url(self, path='', ns='default', base=None):
        return f'{base or self.base}/{ns}/' + urllib.parse.quote(path if isinstance(path, bytes) else path.encode())

    def run_jzse(self, *args, code=OK, input=b'', env=None, cwd=None, timeout=600):
        done = subprocess.run([cli_case.JZSE, *patient(args)], input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=env or self.env, cwd=cwd or self.dir, timeout=timeout)
        self.assertEqual(done.returncode, code, (args, done.stdout[-2000:], done.stderr[-2000:], f'JZSE_TEST_SEED={SEED}'))
        return done

    def start_jzse(self, *args):
        return subprocess.Popen([cli_case.JZSE, *patient(args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.env, cwd=self.dir)

    def write(self, name, content=b'', mtime_ns=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(content)
        if mtime_ns is not None:
            os.utime(path, ns=(mtime_ns, mtime_ns))
        return path

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def same(self, found, wanted):
        """Without printing megabytes."""
        self.assertTrue(found == wanted, f'{len(found)} bytes differ from {len(wanted)}; JZSE_TEST_SEED={SEED}')

    def parts(self, folder=''):
        return [name for name in os.listdir(self.path(folder)) if name.startswith('.jzse-')]


def main():
    sys.warnoptions.append('ignore')  # unittest would tell of every pipe that the server's end leaves open
    server_case.PROGRAM = os.path.abspath(sys.argv.pop(2))
    cli_case.main()
