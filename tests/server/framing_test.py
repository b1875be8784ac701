#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a strict server must refuse. Behind every malformed request stands a canary, a second request in the same bytes, which must never run:
whoever runs it took the first one's end to be elsewhere than another reader would."""
import unittest

import server_case
from server_case import Server, file_path, read_all

HOST = b'Host: localhost\r\n'
GET = b'GET /livez HTTP/1.1\r\n'
PUT = b'PUT /v1/namespaces/default/files/victim HTTP/1.1\r\n' + HOST
CHUNKED = PUT + b'Transfer-Encoding: chunked\r\n\r\n'

# name -> (bytes, statuses that are right)
CASES = {
    # Request line
    'no target': (b'GET HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'two spaces': (b'GET  /livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'space in target': (b'GET /liv ez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'tab between': (b'GET\t/livez\tHTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'no version': (b'GET /livez\r\n' + HOST + b'\r\n', (400,)),
    'version 2.0': (b'GET /livez HTTP/2.0\r\n' + HOST + b'\r\n', (505,)),
    'version 1.2': (b'GET /livez HTTP/1.2\r\n' + HOST + b'\r\n', (505,)),
    'version 0.9': (b'GET /livez HTTP/0.9\r\n' + HOST + b'\r\n', (505,)),
    'version 1.10': (b'GET /livez HTTP/1.10\r\n' + HOST + b'\r\n', (400,)),
    'version 01.1': (b'GET /livez HTTP/01.1\r\n' + HOST + b'\r\n', (400,)),
    'lower case version': (b'GET /livez http/1.1\r\n' + HOST + b'\r\n', (400,)),
    'space behind version': (b'GET /livez HTTP/1.1 \r\n' + HOST + b'\r\n', (400,)),
    'space before method': (b' GET /livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'empty line first': (b'\r\n' + GET + HOST + b'\r\n', (400,)),
    'method with colon': (b'GE:T /livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'fragment in target': (b'GET /livez#x HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'target without slash': (b'GET livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'star for GET': (b'GET * HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'CONNECT': (b'CONNECT localhost:80 HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'high byte in target': (b'GET /l\xc3\xa4 HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'NUL in target': (b'GET /li\0vez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'ftp target': (b'GET ftp://localhost/livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'authority against Host': (b'GET http://other/livez HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'long request line': (b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\n' + HOST + b'\r\n', (414,)),
    # Line ends
    'bare LF everywhere': (b'GET /livez HTTP/1.1\nHost: localhost\n\n', (400,)),
    'bare LF after request line': (b'GET /livez HTTP/1.1\n' + HOST + b'\r\n', (400,)),
    'bare LF after field': (GET + b'Host: localhost\nX: y\r\n\r\n', (400,)),
    'bare LF as empty line': (GET + HOST + b'\n', (400,)),
    'bare CR in field': (GET + HOST + b'X: a\rb\r\n\r\n', (400,)),
    'bare CR in line': (b'GET /livez\r HTTP/1.1\r\n' + HOST + b'\r\n', (400,)),
    'CR CR LF': (GET + HOST + b'X: a\r\r\n\r\n', (400,)),
    'LF CR': (GET + b'Host: localhost\n\r\n\r\n', (400,)),
    # Fields
    'obs-fold': (GET + HOST + b'X: a\r\n b\r\n\r\n', (400,)),
    'obs-fold with tab': (GET + HOST + b'X: a\r\n\tb\r\n\r\n', (400,)),
    'fold as first field': (GET + b' X: a\r\n' + HOST + b'\r\n', (400,)),
    'space before colon': (GET + b'Host : localhost\r\n\r\n', (400,)),
    'tab before colon': (GET + HOST + b'X\t: y\r\n\r\n', (400,)),
    'no colon': (GET + HOST + b'nonsense\r\n\r\n', (400,)),
    'empty name': (GET + HOST + b': y\r\n\r\n', (400,)),
    'name in brackets': (GET + HOST + b'[X]: y\r\n\r\n', (400,)),
    'high byte in name': (GET + HOST + b'X\xff: y\r\n\r\n', (400,)),
    'NUL in value': (GET + HOST + b'X: a\0b\r\n\r\n', (400,)),
    'DEL in value': (GET + HOST + b'X: a\x7fb\r\n\r\n', (400,)),
    'escape in value': (GET + HOST + b'X: a\x1bb\r\n\r\n', (400,)),
    'too many fields': (GET + HOST + b'X: y\r\n' * 101 + b'\r\n', (431,)),
    'long field': (GET + HOST + b'X: ' + b'a' * 8200 + b'\r\n\r\n', (431,)),
    'large head': (GET + HOST + (b'X: ' + b'a' * 8000 + b'\r\n') * 5 + b'\r\n', (431,)),
    # Host
    'no Host': (GET + b'\r\n', (400,)),
    'two Hosts': (GET + HOST + HOST + b'\r\n', (400,)),
    'two different Hosts': (GET + HOST + b'Host: other\r\n\r\n', (400,)),
    'empty Host': (GET + b'Host:\r\n\r\n', (400,)),
    'Host with space': (GET + b'Host: local host\r\n\r\n', (400,)),
    'Host with slash': (GET + b'Host: localhost/x\r\n\r\n', (400,)),
    'Host with at': (GET + b'Host: user@localhost\r\n\r\n', (400,)),
    'Host with list': (GET + b'Host: localhost, other\r\n\r\n', (400, 421)),
    'Host with bad port': (GET + b'Host: localhost:80x\r\n\r\n', (400,)),
    'Host with empty port': (GET + b'Host: localhost:\r\n\r\n', (400,)),
    'Host with long port': (GET + b'Host: localhost:1234567\r\n\r\n', (400,)),
    'Host with open bracket': (GET + b'Host: [::1\r\n\r\n', (400,)),
    # Content-Length
    'two lengths': (PUT + b'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc', (400,)),
    'two different lengths': (PUT + b'Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc', (400,)),
    'length list': (PUT + b'Content-Length: 3, 3\r\n\r\nabc', (400,)),
    'length with plus': (PUT + b'Content-Length: +3\r\n\r\nabc', (400,)),
    'negative length': (PUT + b'Content-Length: -1\r\n\r\nabc', (400,)),
    'hexadecimal length': (PUT + b'Content-Length: 0x3\r\n\r\nabc', (400,)),
    'length with spaces': (PUT + b'Content-Length: 1 2\r\n\r\nabc', (400,)),
    'empty length': (PUT + b'Content-Length:\r\n\r\nabc', (400,)),
    'length beyond 64 bits': (PUT + b'Content-Length: 18446744073709551617\r\n\r\nabc', (400,)),
    'decimal point': (PUT + b'Content-Length: 3.0\r\n\r\nabc', (400,)),
    'GET with body': (GET + HOST + b'Content-Length: 3\r\n\r\nabc', (400,)),
    'DELETE with body': (b'DELETE /v1/namespaces/default/files/x HTTP/1.1\r\n' + HOST + b'Content-Length: 3\r\n\r\nabc', (400,)),
    'HEAD with chunks': (b'HEAD /livez HTTP/1.1\r\n' + HOST + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', (400,)),
    # Transfer-Encoding
    'both': (PUT + b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', (400,)),
    'both, other order': (PUT + b'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n', (400,)),
    'coding in 1.0': (b'PUT /v1/namespaces/default/files/v HTTP/1.0\r\n' + HOST + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', (400,)),
    'two codings': (PUT + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', (501,)),
    'chunked twice': (PUT + b'Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n', (501,)),
    'two fields': (PUT + b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', (400,)),
    'identity': (PUT + b'Transfer-Encoding: identity\r\n\r\nabc', (501,)),
    'xchunked': (PUT + b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', (501,)),
    'quoted chunked': (PUT + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', (501,)),
    'chunked with parameter': (PUT + b'Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n', (501,)),
    'vertical tab before chunked': (PUT + b'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n', (400,)),
    'empty coding': (PUT + b'Transfer-Encoding:\r\n\r\n0\r\n\r\n', (501,)),
    # Chunks
    'chunk size missing': (CHUNKED + b'\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk size no hex': (CHUNKED + b'g\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk size with 0x': (CHUNKED + b'0x3\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk size with sign': (CHUNKED + b'+3\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk size with space': (CHUNKED + b'3 \r\nabc\r\n0\r\n\r\n', (400,)),
    'space before chunk size': (CHUNKED + b' 3\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk size too large': (CHUNKED + b'10000000000000003\r\nabc\r\n0\r\n\r\n', (400,)),
    'chunk ended by LF': (CHUNKED + b'3\nabc\r\n0\r\n\r\n', (400,)),
    'chunk data without CRLF': (CHUNKED + b'3\r\nabc0\r\n\r\n', (400,)),
    'chunk data ended by LF': (CHUNKED + b'3\r\nabc\n0\r\n\r\n', (400,)),
    'chunk data too long': (CHUNKED + b'3\r\nabcd\r\n0\r\n\r\n', (400,)),
    'extension with LF': (CHUNKED + b'3;a\nb\r\nabc\r\n0\r\n\r\n', (400,)),
    'extension with CR': (CHUNKED + b'3;a\rb\r\nabc\r\n0\r\n\r\n', (400,)),
    'extension too long': (CHUNKED + b'3;' + b'a' * 600 + b'\r\nabc\r\n0\r\n\r\n', (400,)),
    'trailer without colon': (CHUNKED + b'0\r\nnonsense\r\n\r\n', (400,)),
    'trailer with fold': (CHUNKED + b'0\r\nX: a\r\n b\r\n\r\n', (400,)),
    'trailer ended by LF': (CHUNKED + b'0\r\nX: a\n\r\n', (400,)),
    'trailer too large': (CHUNKED + b'0\r\n' + (b'X: ' + b'a' * 400 + b'\r\n') * 30 + b'\r\n', (400,)),
    # The rest
    'unknown expectation': (PUT + b'Content-Length: 3\r\nExpect: more\r\n\r\nabc', (417,)),
}


class Framing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server('--no-log-requests')
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def send(self, data, pieces=1):
        with self.server.socket() as connection:
            step = max(1, len(data) // pieces)
            try:
                for i in range(0, len(data), step):
                    connection.sendall(data[i:i + step])
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was sent
            return read_all(connection)

    def check(self, name, pieces):
        bad, statuses = CASES[name]
        canary = f'canary-{list(CASES).index(name)}-{pieces}'
        second = (f'PUT {file_path(canary)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx').encode()
        answer = self.send(bad + second, pieces)
        self.assertIn(answer.split(b' ')[1:2], [[str(s).encode()] for s in statuses], f'{name}: {answer[:200]!r}')
        self.assertEqual(answer.count(b'HTTP/1.1 '), 1, f'{name}: {answer!r}')
        self.assertIn(b'\r\nConnection: close\r\n', answer, name)
        self.assertIn(b'application/problem+json', answer, name)

    def test_malformed(self):
        self.assertGreaterEqual(len(CASES), 60)
        for name in CASES:
            with self.subTest(name):
                self.check(name, 1)
        self.assert_untouched()

    def test_malformed_in_small_pieces(self):
        for name in CASES:
            if len(CASES[name][0]) > 1000:
                continue
            with self.subTest(name):
                self.check(name, 12)
        self.assert_untouched()

    def assert_untouched(self):
        names = [entry['path'] for entry in self.server.get('/v1/namespaces/default/files').json['entries']]
        self.assertEqual([name for name in names if name.startswith(('canary', 'victim'))], [])

    def test_well_formed_neighbours(self):
        """The same with the fault mended: both requests run. Without this the table could pass on a server that refuses everything."""
        second = (f'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').encode()
        for first in (GET + HOST + b'\r\n', GET + b'hOsT:localhost:80\r\n\r\n', GET + HOST + b'X:\t a \t\r\n\r\n',
                      b'GET http://localhost/livez HTTP/1.1\r\n' + HOST + b'\r\n',
                      PUT + b'Content-Length: 3\r\n\r\nabc', CHUNKED + b'3\r\nabc\r\n0\r\n\r\n',
                      CHUNKED + b'003;x="y"\r\nabc\r\n0\r\nX: a\r\n\r\n',
                      PUT + b'transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n'):
            answer = self.send(first + second, 7)
            self.assertEqual(answer.count(b'HTTP/1.1 20'), 2, f'{first!r}: {answer!r}')

    def test_http_1_0(self):
        answer = self.send(b'GET /livez HTTP/1.0\r\n\r\n')
        self.assertTrue(answer.startswith(b'HTTP/1.1 200 '), answer)
        self.assertIn(b'Connection: close', answer)


if __name__ == '__main__':
    server_case.main()
