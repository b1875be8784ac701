# SPDX-License-Identifier: Apache-2.0
"""A running jzsed for tests: started on a free port of loopback over a store of its own, stopped at the end."""
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

PROGRAM = os.environ.get('JZSED') or 'jzsed'
DEADLINE = int(os.environ.get('JZSE_DEADLINE', 120))  # seconds until a test that hangs fails


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'{self.status} {dict(self.headers)} {self.body[:300]!r}'


class Port:
    """A port that no other test takes, also while nobody listens on it: below those that the system gives to clients, so that no connection of
    anybody's has it, and held by a socket of that name in the abstract namespace for as long as this object lives."""

    def __init__(self):
        with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
            lowest = int(file.read().split()[0])
        if lowest <= 2000:  # nothing below: at least no test takes it
            lowest = 60_000
        for _ in range(1000):
            self.number = random.randrange(min(12_000, lowest - 1000), lowest)
            self.held = socket.socket(socket.AF_UNIX)
            try:
                self.held.bind(f'\0jzse-test-port-{self.number}')
            except OSError:
                self.held.close()
                continue
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(('127.0.0.1', self.number))
                    return
                except OSError:
                    self.held.close()
        raise RuntimeError('no port is free')

    def close(self):
        self.held.close()


class Server:
    """One jzsed. `with Server() as server: server.get('/livez')`."""

    def __init__(self, *options, store=None):
        self.folder = None if store else tempfile.mkdtemp(prefix='jzsed-test-')
        self.store = store or os.path.join(self.folder, 'store')
        self.options = list(options)
        self.process = self.port = self.held = None
        self.log = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.held:
            self.held.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """On a port of its own, and on the same one ever after."""
        for _ in range(20):
            if not self.held:
                self.held = Port()
            self.process = subprocess.Popen([PROGRAM, '--store', self.store, '--port', str(self.held.number), *self.options],
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
            reader.start()
            line = self.process.stdout.readline()
            if 'serving' in line:
                self.port = int(line.rsplit(':', 1)[1].strip(' /\n'))
                return
            self.process.wait(DEADLINE)
            reader.join(DEADLINE)
            if self.port or not any('Address already in use' in entry for entry in self.log):
                break
            self.held.close()
            self.held = None
            self.log.clear()
        raise RuntimeError(f'jzsed did not start: {line!r} {self.log}')

    def _read_log(self, process):
        for line in process.stderr:
            self.log.append(line.rstrip('\n'))

    def stop(self):
        """Gracefully; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=DEADLINE)

    def connect_closing(self):
        return contextlib.closing(self.connect())

    def socket(self, source='127.0.0.1'):
        return socket.create_connection(('127.0.0.1', self.port), DEADLINE, (source, 0))

    def request(self, method, path, body=None, headers=None, connection=None):
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            if own:
                connection.close()

    def get(self, path, **headers):
        return self.request('GET', path, headers={k.replace('_', '-'): v for k, v in headers.items()})

    def put(self, path, body, **headers):
        return self.request('PUT', path, body, {k.replace('_', '-'): v for k, v in headers.items()})

    def delete(self, path, **headers):
        return self.request('DELETE', path, headers={k.replace('_', '-'): v for k, v in headers.items()})

    def send_json(self, method, path, value):
        return self.request(method, path, json.dumps(value), {'Content-Type': 'application/json'})


def file_path(path, ns='default'):
    return f'/v1/namespaces/{ns}/files/' + urllib.parse.quote(path)


def read_all(connection):
    """Everything until the other side closes; what came before a reset counts, too."""
    data = b''
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def wait_until(condition, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        time.sleep(0.01)


def main():
    """unittest, with the count line that tests/checks/summary.py reads."""
    result = unittest.main(module='__main__', argv=sys.argv[:1] + sys.argv[2:] if len(sys.argv) > 1 else sys.argv,
                           exit=False, verbosity=1, warnings='ignore').result
    bad = {getattr(test, 'test_case', test).id() for test, _ in result.failures + result.errors}
    failed = len(bad)
    print(f'{max(0, result.testsRun - failed - len(result.skipped))} passed, {failed} failed')
    sys.exit(1 if failed else 0)


if len(sys.argv) > 1 and os.path.exists(sys.argv[1]):
    PROGRAM = sys.argv[1]
