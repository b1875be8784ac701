#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What jzse makes of URLs that are none, of servers that are none, and of every refusal: one sentence and the exit code of its class."""
import json
import os
import socket
import threading
import unittest

import remote_case
from remote_case import BUSY, CORRUPT, EXISTS, IO, NOT_FOUND, PRECONDITION, READ_ONLY, TOO_LARGE, UNSUPPORTED, USAGE

NO_SPACE = 8


class Scripted:
    """Answers each request on its port with the next of the given byte strings; the last one for ever."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                data = b''
                while b'\r\n\r\n' not in data and (more := connection.recv(65536)):
                    data += more
                if not data:
                    continue
                self.requests.append(data)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                connection.sendall(answer)


def answer(status, body=b'', kind='application/problem+json', *fields):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f'HTTP/1.1 {status} X', f'Content-Type: {kind}', f'Content-Length: {len(body)}', 'Connection: close', *fields]
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def problem(status, code, retry=False, *fields):
    return answer(status, {'status': status, 'code': code, 'detail': 'said the server', 'retry': retry}, 'application/problem+json', *fields)


class Urls(remote_case.Case):
    def test_refused(self):
        base = self.base
        for args, word in ((('cat', 'https://127.0.0.1:1/default/x'), b'TLS'),
                           (('cat', 'HTTPS://h/default/x'), b'TLS'),
                           (('--store', 'https://h', 'ls'), b'TLS'),
                           (('cat', 'http://'), b'no URL'),
                           (('cat', 'http://h:0/default/x'), b'no URL'),
                           (('cat', 'http://h:99999/default/x'), b'no URL'),
                           (('cat', 'http://h:x/default/x'), b'no URL'),
                           (('cat', 'http://[::1/default/x'), b'no URL'),
                           (('cat', 'http://a b/default/x'), b'no URL'),
                           (('cat', 'http://me@h/default/x'), b'user name'),
                           (('cat', 'http://h/default/x?y'), b'%3F'),
                           (('cat', 'http://h/default/x#y'), b'%23'),
                           (('cat', 'http://h/default/%zz'), b'escape'),
                           (('cat', 'http://h/default/%00'), b'escape'),
                           (('cat', 'http://h/default/%4'), b'escape'),
                           (('cat', 'http://h//x'), b'namespace'),
                           (('ls', 'http://h'), b'NAMESPACE'),
                           (('cat', 'http://h/Bad%20Name/x'), b'no name of a namespace'),
                           (('cp', base + '/default/a', 'http://127.0.0.1:1/default/b'), b'one command'),
                           (('cp', base + '/default/a', 'b'), b'one command'),
                           (('mv', 'a', base + '/default/b'), b'one command'),
                           (('ns', 'create', base + '/new/path'), b'NAMESPACE'),
                           (('--store', base + '/default', 'ls'), b'belong to the verb')):
            with self.subTest(args):
                done = self.run_jzse(*args, code=USAGE)
                self.assertIn(word, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(self.proxy.connections, 0)

    def test_verbs_that_stay_here(self):
        for args in (('doctor',), ('rebuild',), ('import', '--archive', '/dev/null', ':'), ('export', '--archive', '/', 'out')):
            done = self.run_jzse('--store', self.base, *args, code=UNSUPPORTED)
            self.assertIn(b'is done where the store is, not over HTTP', done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.run_jzse('init', self.base, code=UNSUPPORTED)
        self.run_jzse('export', '--archive', self.url(), 'out', code=UNSUPPORTED)
        self.assertEqual(self.proxy.connections, 0)

    def test_forms(self):
        self.run_jzse('put', '-', self.url('a b/c'), input=b'content')
        for args in (('cat', self.base.replace('http', 'HTTP') + '/default/a%20b/c'), ('cat', self.base + '/default/a b/c'),
                     ('cat', self.base.replace('127.0.0.1', 'localhost') + '/default/a%20b%2Fc'), ('--store', self.base, 'cat', 'a b/c'),
                     ('--store', self.base + '/', 'cat', 'default:a b/c'), ('--store', self.base, 'cat', self.url('a b/c'), '/a b/c'),
                     ('--store', '/absent', 'cat', self.url('a b/c'))):
            self.assertEqual(self.run_jzse(*args).stdout[:7], b'content', args)
        self.run_jzse('ns', 'create', self.base + '/keys', 'kind=keys')
        self.assertIn(b'kind=keys', self.run_jzse('config', self.base + '/keys').stdout)
        self.run_jzse('ns', 'set', self.base + '/keys', 'versions=1')
        self.assertIn(b'versions=1\n', self.run_jzse('--store', self.base, 'config', 'keys').stdout)
        self.run_jzse('ns', 'drop', self.base + '/keys')
        self.assertEqual(self.run_jzse('ls', self.base + '/default').stdout, self.run_jzse('ls', self.base + '/default/').stdout)

    def test_servers_own_namespace(self):
        self.run_jzse('ls', self.url('', 'jzsed.uploads'), code=NOT_FOUND)
        self.run_jzse('--store', self.base, 'ns', 'create', 'jzsed.uploads', code=NOT_FOUND)
        self.run_jzse('put', '-', self.url('a'), input=b'x')
        self.run_jzse('cp', self.url('a'), self.url('a', 'jzsed.uploads'), code=NOT_FOUND)


class Nobody(remote_case.Case):
    def test_nobody_there(self):
        with socket.socket() as taken:  # nobody else's meanwhile, and nobody listens
            taken.bind(('127.0.0.1', 0))
            done = self.run_jzse('cat', f'http://127.0.0.1:{taken.getsockname()[1]}/default/x', code=IO)
        self.assertIn(b'Connection refused', done.stderr)
        done = self.run_jzse('cat', 'http://no-such-host.invalid/default/x', code=IO)
        self.assertIn(b'no-such-host.invalid', done.stderr)

    def run_against(self, *answers, code, args=('--wait', '0.3')):
        server = Scripted(*answers)
        self.addCleanup(server.listener.close)
        done = self.run_jzse(*args, 'cat', f'http://127.0.0.1:{server.port}/default/x', code=code)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr, server

    def test_no_jzsed(self):
        for other in (answer(200, b'<html>', 'text/html'), answer(404, b'<html>', 'text/html'), b'220 mail ready\r\n\r\n',
                      answer(200, b'{}', 'application/json'), answer(200, b'[1', 'application/json'), answer(500, b'', 'text/plain'),
                      b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'):
            self.run_against(other, code=UNSUPPORTED)
        for other in (b'', b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort', b'HTTP/1.1 200'):
            self.run_against(other, code=IO)

    def test_every_code(self):
        for status, code, wanted in ((400, 'JZSE_INVALID', USAGE), (404, 'JZSE_NOT_FOUND', NOT_FOUND), (409, 'JZSE_EXISTS', EXISTS),
                                     (412, 'JZSE_PRECONDITION', PRECONDITION), (413, 'JZSE_TOO_LARGE', TOO_LARGE),
                                     (507, 'JZSE_NO_SPACE', NO_SPACE), (507, 'JZSE_QUOTA', NO_SPACE), (500, 'JZSE_CORRUPT', CORRUPT),
                                     (503, 'JZSE_LOCKED', 7), (503, 'JZSE_READ_ONLY', READ_ONLY), (501, 'JZSE_UNSUPPORTED', UNSUPPORTED),
                                     (504, 'JZSE_TIMEOUT', BUSY), (503, 'JZSE_BUSY', BUSY), (500, 'JZSE_IO', IO), (421, 'HTTP_HOST', READ_ONLY),
                                     (403, 'HTTP_ORIGIN', READ_ONLY), (404, 'HTTP_NO_ROUTE', NOT_FOUND), (405, 'HTTP_METHOD', UNSUPPORTED),
                                     (414, 'HTTP_BAD_REQUEST', USAGE), (418, 'HTTP_ANYTHING', IO)):
            with self.subTest(code):
                err, server = self.run_against(problem(status, code), code=wanted)
                self.assertIn(b'said the server', err)
                self.assertEqual(len(server.requests), 1)

    def test_again(self):
        """What says `retry` is tried again, after Retry-After, until --wait is over."""
        for first in (problem(503, 'JZSE_BUSY', True), problem(503, 'HTTP_OVERLOADED', True, 'Retry-After: 1'), problem(504, 'JZSE_TIMEOUT', True),
                      problem(503, 'JZSE_CLOSED', True)):
            _, server = self.run_against(first, problem(404, 'JZSE_NOT_FOUND'), args=('--wait', '20'), code=NOT_FOUND)
            self.assertEqual(len(server.requests), 2)
        _, server = self.run_against(problem(503, 'HTTP_OVERLOADED', True), code=BUSY)
        self.assertGreater(len(server.requests), 1)
        _, server = self.run_against(problem(503, 'HTTP_OVERLOADED', True), args=('--wait', '0'), code=BUSY)
        self.assertEqual(len(server.requests), 1)
        good = answer(200, {'name': 'default', 'kind': 'tree'}, 'application/json')
        _, server = self.run_against(good, b'', problem(404, 'JZSE_NOT_FOUND'), args=('--wait', '20'), code=NOT_FOUND)
        self.assertEqual(len(server.requests), 3)

    def test_hostile_listing(self):
        """Names that lead out of the target are not written."""
        good = answer(200, {'name': 'default', 'kind': 'tree'}, 'application/json')
        entries = [{'path': path, 'kind': 'file', 'size': 1, 'sequence': 5, 'etag': '0' * 64} for path in ('../out', '/etc/x', 'a/../../b', '')]
        page = answer(200, {'entries': entries}, 'application/json')
        server = Scripted(good, page, page)
        self.addCleanup(server.listener.close)
        done = self.run_jzse('--wait', '0.3', 'export', '--jobs', '1', f'http://127.0.0.1:{server.port}/default', 'target', code=1)
        self.assertEqual(done.stderr.count(b'gives no usable file name'), 4)
        self.assertEqual(sorted(os.listdir(self.dir)), ['target'])
        self.assertEqual(os.listdir(self.path('target')), [])


class ReadOnly(remote_case.Case):
    def setUp(self):
        super().setUp()
        self.run_jzse('put', '-', self.url('a'), input=b'content')
        self.server.stop()
        self.server.options = ['--read-only']
        self.server.start()

    def test_refused(self):
        for args in (('put', '-', self.url('b')), ('rm', self.url('a')), ('mkdir', self.url('d')), ('mv', self.url('a'), self.url('b'))):
            done = self.run_jzse(*args, code=READ_ONLY)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(self.run_jzse('cat', self.url('a')).stdout, b'content')


class Damaged(remote_case.Case):
    def test_verify(self):
        """The server's findings are the verb's own."""
        self.run_jzse('put', '-', self.url('a'), input=b'the marked content' * 1000)
        self.server.stop()
        segments = os.path.join(self.server.store, 'segments')
        for name in os.listdir(segments):
            path = os.path.join(segments, name)
            with open(path, 'rb') as f:
                data = bytearray(f.read())
            at = data.find(b'the marked content')
            if at >= 0:
                data[at + 20] ^= 1
                with open(path, 'wb') as f:
                    f.write(data)
        self.server.start()
        done = self.run_jzse('--store', self.base, '--json', 'verify', code=CORRUPT)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertFalse(found[-1]['ok'])
        self.assertGreater(found[-1]['problems'], 0)
        self.assertTrue(all('problem' in one for one in found[:-1]) and len(found) > 1)
        here = self.path('copy')
        self.server.stop()
        os.rename(self.server.store, here)
        local = [json.loads(line) for line in self.run_jzse('--store', here, '--json', 'verify', code=CORRUPT).stdout.splitlines()]
        self.assertEqual([list(one) for one in found], [list(one) for one in local])
        os.rename(here, self.server.store)
        self.server.start()
        self.assertEqual(self.run_jzse('cat', self.url('a'), code=CORRUPT).stdout, b'')


if __name__ == '__main__':
    remote_case.main()
