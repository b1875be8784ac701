#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads (tus 1.0): offsets, checksums, ends, and what survives a kill."""
import base64
import hashlib
import os
import random
import select
import threading
import time
import unittest

import server_case
from server_case import Server, file_path, read_all, wait_until

MIB = 1 << 20
TUS = {'Tus-Resumable': '1.0.0'}


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Uploads(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.server.start()

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.__exit__()

    def create(self, length, body=None, status=201, **metadata):
        headers = {**TUS, 'Upload-Length': str(length), 'Upload-Metadata': ','.join(f'{k} {b64(v)}' for k, v in metadata.items())}
        if body is not None:
            headers['Content-Type'] = 'application/offset+octet-stream'
        answer = self.server.request('POST', '/v1/uploads', body, headers)
        self.assertEqual(answer.status, status, answer)
        return answer.headers['Location']

    def patch(self, url, offset, data, **headers):
        headers = {'Upload-Offset': str(offset), 'Content-Type': 'application/offset+octet-stream', **TUS,
                   **{k.replace('_', '-'): v for k, v in headers.items()}}
        return self.server.request('PATCH', url, data, headers)

    def offset(self, url):
        answer = self.server.request('HEAD', url, headers=TUS)
        self.assertEqual(answer.status, 200, answer)
        return int(answer.headers['Upload-Offset'])

    def leftovers(self):
        """What the uploads still hold in the store, seen through the feed of the namespace that no route shows."""
        return self.server.get('/v1/namespaces/jzsed.uploads').status

    def test_parts(self):
        data = os.urandom(20 * MIB + 3)
        url = self.create(len(data), path='big/file', content_type='text/x', **{'meta-a': 'b'}, mode='640')
        at = 0
        for size in (1, 5 * MIB, 0, 9 * MIB, len(data)):
            answer = self.patch(url, at, data[at:at + size])
            at = min(at + size, len(data))
            self.assertEqual((answer.status, answer.headers['Upload-Offset']), (204, str(at)))
            self.assertEqual(self.offset(url), at)
            self.assertEqual(self.server.get(file_path('big/file')).status, 200 if at == len(data) else 404)
        answer = self.server.get(file_path('big/file'))
        self.assertTrue(answer.body == data)
        self.assertEqual((answer.headers['Content-Type'], answer.headers['x-jzse-meta-a'], answer.headers['x-jzse-mode']), ('text/x', 'b', '640'))
        self.assertEqual(self.patch(url, at, b'').status, 204)
        self.assertEqual(self.leftovers(), 404)
        changes = self.server.get('/v1/changes').json['changes']
        self.assertEqual([(c['namespace'], c['path']) for c in changes], [('default', 'big/file')])

    def test_with_creation(self):
        for size in (0, 3, 100_000):
            data = os.urandom(size)
            self.create(size, data if size else None, path=f'created/{size}')
            self.assertEqual(self.server.get(file_path(f'created/{size}')).body, data)
        url = self.create(10, b'abc', path='created/later')
        self.assertEqual(self.offset(url), 3)

    def test_refusals(self):
        url = self.create(10, path='r')
        for offset, data, status in [(1, b'x', 409), (0, b'x' * 11, 413), (0, b'x' * 100_000, 413)]:
            self.assertEqual(self.patch(url, offset, data).status, status)
            self.assertEqual(self.offset(url), 0)
        self.create(1, path='../x', status=400)
        self.create(1, path='x', namespace='none', status=404)
        self.create(1, path='x', namespace='jzsed.uploads', status=400)
        self.create(1, path='x', mode='9', status=400)
        self.create(1, status=400)
        self.create(1 << 50, path='x', status=413)
        self.create('x', path='x', status=400)

    def test_checksums(self):
        data = os.urandom(9 * MIB)
        good, bad = b64(hashlib.sha256(data).digest()), b64(hashlib.sha256(b'').digest())
        url = self.create(len(data), path='sum')
        self.assertEqual(self.patch(url, 0, data, Upload_Checksum='sha256 ' + bad).status, 460)
        self.assertEqual(self.offset(url), 0)
        self.assertEqual(self.patch(url, 0, data, Upload_Checksum='md5 ' + bad).status, 400)
        self.assertEqual(self.patch(url, 0, data, Upload_Checksum='sha256 ' + good).status, 204)
        self.assertTrue(self.server.get(file_path('sum')).body == data)

    def test_conditions(self):
        self.server.put(file_path('there'), b'old')
        url = self.create(3, path='there', if_none_match='*')
        self.assertEqual(self.patch(url, 0, b'new').status, 412)
        self.assertEqual(self.server.get(file_path('there')).body, b'old')
        self.assertEqual(self.server.request('DELETE', url, headers=TUS).status, 204)
        self.assertEqual(self.server.request('HEAD', url, headers=TUS).status, 404)

    def test_broken_connection_keeps_what_arrived(self):
        data = os.urandom(3 * MIB)
        url = self.create(len(data), path='broken')
        with self.server.socket() as connection:
            connection.sendall(f'PATCH {url} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n'
                               f'Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n'.encode())
            connection.sendall(data[:2 * MIB])
        wait_until(lambda: self.offset(url) > MIB)

        def go_on():
            at = self.offset(url)  # grows as long as the server works at what had arrived
            return self.patch(url, at, data[at:]).status == 204
        wait_until(go_on)
        self.assertTrue(self.server.get(file_path('broken')).body == data)

    def test_one_at_a_time(self):
        data = os.urandom(MIB)
        url = self.create(len(data), path='twice')
        with self.server.socket() as connection:
            connection.sendall(f'PATCH {url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n'
                               f'Content-Type: application/offset+octet-stream\r\nContent-Length: {MIB}\r\nExpect: 100-continue\r\n\r\n'.encode())
            self.assertEqual(connection.recv(100), b'HTTP/1.1 100 Continue\r\n\r\n')  # from here on the upload is its
            self.assertEqual(self.offset(url), 0)  # looking is free
            for body in (b'', b'x'):
                self.assertEqual(self.patch(url, 0, body).status, 409)
            self.assertEqual(self.server.request('DELETE', url, headers=TUS).status, 409)
            connection.sendall(data)
            self.assertTrue(read_all(connection).startswith(b'HTTP/1.1 204'))
        self.assertTrue(self.server.get(file_path('twice')).body == data)

    def half_sent(self, url, data):
        """A connection whose PATCH the server is at, of which only the first MiB was sent."""
        while True:
            connection = self.server.socket()
            try:
                connection.sendall(f'PATCH {url} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n'
                                   f'Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n'.encode())
                connection.sendall(data[:MIB])
                while not select.select([connection], [], [], 0)[0]:
                    if self.patch(url, 0, b'').status == 409:
                        return connection
            except OSError:
                pass
            connection.close()  # it came while one of the PATCHes that ask was at it, and was refused

    def test_a_silent_client_gives_way(self):
        """Its connection is open, but nothing comes any more: whoever wants the upload gets it, long before the deadline of a body."""
        data = os.urandom(2 * MIB)
        url = self.create(len(data), path='silent')
        with self.half_sent(url, data) as connection:
            start = time.monotonic()
            wait_until(lambda: self.patch(url, 0, b'').status == 409 and self.offset(url) == MIB)  # what had arrived is kept
            self.assertLess(time.monotonic() - start, 25)
            self.assertEqual(read_all(connection), b'')
            self.assertEqual(self.patch(url, MIB, data[MIB:]).status, 204)
        self.assertTrue(self.server.get(file_path('silent')).body == data)

    def test_refused_before_the_body_is_sent(self):
        url = self.create(2 * MIB, path='asked')
        with self.server.socket() as connection:
            connection.sendall(f'PATCH {url} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 7\r\n'
                               f'Content-Type: application/offset+octet-stream\r\nContent-Length: {MIB}\r\nExpect: 100-continue\r\n\r\n'.encode())
            answer = read_all(connection)
        self.assertTrue(answer.startswith(b'HTTP/1.1 409'), answer)

    def test_expiry(self):
        self.server.stop()
        self.server.options = ['--upload-lifetime', '3']  # counted in whole seconds
        self.server.start()
        while True:
            start = time.monotonic()
            url = self.create(10, path='late')
            status = self.server.request('HEAD', url, headers=TUS).status
            if time.monotonic() - start < 2:
                break  # else it may have been late already
        self.assertEqual(status, 200)
        wait_until(lambda: self.server.request('HEAD', url, headers=TUS).status == 404)
        self.server.stop()
        self.server.start()
        wait_until(lambda: any('event=upload_swept' in line and 'what=expired' in line for line in self.server.log))

    def test_kills(self):
        """Killed again and again in the middle of PATCHes, an upload still ends with the right bytes, written once."""
        seed = int(os.environ.get('JZSE_SEED', random.randrange(1 << 30)))
        rng = random.Random(seed)
        data = rng.randbytes(60 * MIB)
        url = self.create(len(data), path='killed')
        kills = acknowledged = 0
        while True:
            at = self.offset(url)
            self.assertGreaterEqual(at, acknowledged, f'JZSE_SEED={seed}')
            if at == len(data):
                break
            if kills < 6:
                timer = threading.Timer(rng.uniform(0.005, 0.08), self.server.process.kill)
                timer.start()
                try:
                    answer = self.patch(url, at, data[at:at + rng.choice((3 * MIB, 25 * MIB))])
                    acknowledged = int(answer.headers['Upload-Offset'])
                except OSError:
                    pass
                except server_case.http.client.HTTPException:
                    pass
                timer.join()
                self.server.process.wait()
                self.server.start()
                kills += 1
            else:
                self.assertEqual(self.patch(url, at, data[at:]).status, 204, f'JZSE_SEED={seed}')
        wait_until(lambda: self.server.get(file_path('killed')).status == 200)
        self.assertTrue(self.server.get(file_path('killed')).body == data, f'JZSE_SEED={seed}')
        self.assertEqual(len(self.server.get('/v1/namespaces/default/versions/killed').json['versions']), 1)


if __name__ == '__main__':
    server_case.main()
