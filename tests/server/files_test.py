#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files over HTTP: content both ways, conditions, ranges, digests, metadata, errors, request ids, the stop."""
import base64
import email.utils
import hashlib
import http.client
import os
import re
import signal
import threading
import time
import unittest

import server_case
from server_case import Server, file_path, read_all, wait_until

MIB = 1 << 20


def digest(data, name='sha-256'):
    return f'{name}=:{base64.b64encode(hashlib.new(name.replace("-", ""), data).digest()).decode()}:'


def parts_of(answer):
    """The ranges of a multipart/byteranges answer: [(Content-Range, bytes)]."""
    boundary = re.search('boundary=(.*)', answer.headers['Content-Type']).group(1).encode()
    pieces = answer.body.split(b'--' + boundary)
    assert pieces[0] == b'' and pieces[-1] == b'--\r\n', answer
    result = []
    for piece in pieces[1:-1]:
        head, data = piece.split(b'\r\n\r\n', 1)
        result.append((re.search(b'Content-Range: (.*?)(\r|$)', head).group(1).decode(), data[:-2]))
    return result


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0
        cls.server.__exit__()

    def put(self, path, body, **headers):
        answer = self.server.put(file_path(path), body, **headers)
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def assert_problem(self, answer, status, code):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers['Content-Type'], 'application/problem+json')
        self.assertEqual((answer.json['status'], answer.json['code']), (status, code))
        self.assertEqual(answer.json['request_id'], answer.headers['x-request-id'])

    def test_read_again_and_again(self):
        """A file that was read a moment ago is read by the loop; a new version of another size, too."""
        for size in (200_000, 3 * MIB, 1000, MIB):
            data = os.urandom(size)
            self.put('hot', data)
            for _ in range(4):
                answer = self.server.get(file_path('hot'))
                self.assertTrue(answer.status == 200 and answer.body == data, size)
                part = self.server.get(file_path('hot'), Range='bytes=500-999')
                self.assertEqual((part.status, part.body), (206, data[500:1000]))
                self.assertEqual(self.server.get(file_path('hot'), If_None_Match=answer.headers['ETag']).status, 304)
                head = self.server.request('HEAD', file_path('hot'))
                self.assertEqual((head.status, head.headers['Content-Length']), (200, str(size)))
                time.sleep(0.15)

    def test_sizes(self):
        """Every way a content can travel: with the head, in chunks of the store, beyond one window, compressed."""
        self.server.send_json('PUT', '/v1/namespaces/squeezed', {'compression': 3})
        for size in (0, 1, 4096, 65535, 65536, 65537, MIB - 1, MIB, 9 * MIB + 17):
            data = os.urandom(size // 2) + b'a' * (size - size // 2)
            for ns in ('default', 'squeezed'):
                path = file_path(f'sizes/{size}', ns)
                made = self.server.put(path, data)
                self.assertEqual(made.status, 201, made)
                self.assertEqual(made.json['size'], size)
                answer = self.server.get(path)
                self.assertEqual((answer.status, answer.headers['Content-Length']), (200, str(size)))
                self.assertTrue(answer.body == data, f'{size} bytes in {ns}')
                self.assertEqual(answer.headers['ETag'], made.headers['ETag'])
                head = self.server.request('HEAD', path)
                self.assertEqual((head.status, head.body), (200, b''))
                for name in ('Content-Length', 'ETag', 'Last-Modified', 'Content-Type', 'x-jzse-sequence'):
                    self.assertEqual(head.headers[name], answer.headers[name], name)

    def test_chunked_upload(self):
        for size in (0, 10, 200_000):
            data = os.urandom(size)
            with self.server.connect_closing() as connection:
                connection.request('PUT', file_path(f'chunked/{size}'), iter([data[:7], data[7:]]), encode_chunked=True,
                                   headers={'Transfer-Encoding': 'chunked'})
                self.assertEqual(connection.getresponse().read() and 1, 1)
            self.assertEqual(self.server.get(file_path(f'chunked/{size}')).body, data)

    def test_keep_alive_and_pipelining(self):
        with self.server.socket() as connection:
            count = 200
            connection.sendall(b'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n' * (count - 1) +
                               b'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
            self.assertEqual(read_all(connection).count(b'HTTP/1.1 200 OK'), count)

    def test_names(self):
        self.server.send_json('PUT', '/v1/namespaces/keys', {'kind': 'keys'})
        for name in ('plain', 'with space', 'ä/ö/雪', 'percent%25', 'a+b', "quote'\"<>&", 'semi;colon=?x#y'):
            self.put(name, name.encode())
            self.assertEqual(self.server.get(file_path(name)).body, name.encode(), name)
        for name in ('../x', 'a//b', '/lead', 'trail/', '.'):
            self.assert_problem(self.server.put(file_path(name), b'x'), 400, 'JZSE_INVALID')
            self.assertEqual(self.server.put(file_path(name, 'keys'), b'x').status, 201, name)
            self.assertEqual(self.server.get(file_path(name, 'keys')).body, b'x', name)
        for bad in ('%', '%2', '%zz', '%00'):
            self.assert_problem(self.server.put(file_path('x') + bad, b'x'), 400, 'HTTP_BAD_REQUEST')

    def test_conditions_of_reads(self):
        etag = self.put('conditions/read', b'0123456789').headers['ETag']
        path = file_path('conditions/read')
        date = self.server.get(path).headers['Last-Modified']
        later = email.utils.formatdate(time.time() + 3600, usegmt=True)
        earlier = email.utils.formatdate(time.time() - 3600, usegmt=True)
        table = [  # headers, status
            ({'If_None_Match': etag}, 304), ({'If_None_Match': 'W/' + etag}, 304), ({'If_None_Match': '*'}, 304),
            ({'If_None_Match': f'"x", {etag}'}, 304), ({'If_None_Match': '"x"'}, 200), ({'If_Match': etag}, 200),
            ({'If_Match': 'W/' + etag}, 412), ({'If_Match': '"x"'}, 412), ({'If_Match': '*'}, 200),
            ({'If_Match': f'"x", {etag}'}, 200), ({'If_Modified_Since': date}, 304), ({'If_Modified_Since': later}, 304),
            ({'If_Modified_Since': earlier}, 200), ({'If_Modified_Since': 'yesterday'}, 200),
            ({'If_Unmodified_Since': date}, 200), ({'If_Unmodified_Since': earlier}, 412),
            ({'If_None_Match': '"x"', 'If_Modified_Since': later}, 200), ({'If_Match': etag, 'If_Unmodified_Since': earlier}, 200),
            ({'If_Match': '"x"', 'If_None_Match': etag}, 412), ({'If_Match': 'x'}, 400), ({'If_None_Match': '"x'}, 400)]
        for headers, status in table:
            answer = self.server.get(path, **headers)
            self.assertEqual(answer.status, status, f'{headers} {answer}')
            if status == 304:
                self.assertEqual((answer.headers['ETag'], answer.body), (etag, b''))

    def test_conditions_of_writes(self):
        path = file_path('conditions/write')
        self.assertEqual(self.server.put(path, b'a', If_Match='*').status, 412)
        self.assertEqual(self.server.put(path, b'a', If_None_Match='*').status, 201)
        self.assert_problem(self.server.put(path, b'b', If_None_Match='*'), 412, 'JZSE_PRECONDITION')
        etag = self.server.get(path).headers['ETag']
        earlier = email.utils.formatdate(time.time() - 3600, usegmt=True)
        for headers, status in [({'If_Match': '"x"'}, 412), ({'If_Match': 'W/' + etag}, 412), ({'If_None_Match': etag}, 412),
                                ({'If_None_Match': f'"x", W/{etag}'}, 412), ({'If_Unmodified_Since': earlier}, 412),
                                ({'If_Match': 'x'}, 400)]:
            for body in (b'b', b'b' * 100_000):
                self.assertEqual(self.server.put(path, body, **headers).status, status, f'{headers} {len(body)}')
        self.assertEqual(self.server.get(path).body, b'a')
        for headers in ({'If_Match': f'"x", {etag}'}, {'If_None_Match': '"x", "y"'}, {'If_Match': '*'}):
            self.assertEqual(self.server.put(path, b'a', **headers).status, 200, headers)
        self.assertEqual(self.server.delete(path, If_Match='"x"').status, 412)
        self.assertEqual(self.server.delete(path, If_Match=etag).status, 204)
        self.assertEqual(self.server.delete(path, If_Match='*').status, 412)
        self.assert_problem(self.server.delete(path), 404, 'JZSE_NOT_FOUND')

    def test_ranges(self):
        for size in (10, 300_000):
            data = os.urandom(size)
            path, total = file_path(f'ranges/{size}'), str(size)
            etag = self.put(f'ranges/{size}', data).headers['ETag']
            for text, first, last in [('0-0', 0, 0), ('2-4', 2, 4), ('5-', 5, size - 1), ('-3', size - 3, size - 1),
                                      ('-999999', 0, size - 1), ('3-999999', 3, size - 1)]:
                answer = self.server.get(path, Range='bytes=' + text)
                self.assertEqual((answer.status, answer.headers['Content-Range']), (206, f'bytes {first}-{last}/{total}'), text)
                self.assertTrue(answer.body == data[first:last + 1], text)
            for text in (f'{size}-', f'{size + 5}-{size + 9}', '-0'):
                answer = self.server.get(path, Range='bytes=' + text)
                self.assert_problem(answer, 416, 'HTTP_RANGE')
                self.assertEqual(answer.headers['Content-Range'], f'bytes */{total}')
            for text in ('bytes=4-2', 'bytes=a-b', 'bytes=', 'bytes=1', 'lines=0-1', 'bytes=0-0,x', 'bytes=--1',
                         'bytes=' + ','.join(f'{i}-{i}' for i in range(17)), 'bytes=0-5,0-5,0-5,0-5'):
                answer = self.server.get(path, Range=text)
                self.assertEqual((answer.status, answer.body == data), (200, True), text)
            answer = self.server.get(path, Range=f'bytes=0-1, -2,{size + 1}-,4-5')
            self.assertEqual(answer.status, 206)
            self.assertEqual(int(answer.headers['Content-Length']), len(answer.body))
            self.assertEqual(parts_of(answer), [(f'bytes 0-1/{total}', data[:2]), (f'bytes {size - 2}-{size - 1}/{total}', data[-2:]),
                                                (f'bytes 4-5/{total}', data[4:6])])
            if size > 1000:
                answer = self.server.get(path, Range='bytes=0-99999,150000-299999')
                self.assertEqual(parts_of(answer), [(f'bytes 0-99999/{total}', data[:100000]),
                                                    (f'bytes 150000-299999/{total}', data[150000:])])
            date = self.server.get(path).headers['Last-Modified']
            for value, status in [(etag, 206), ('"x"', 200), ('W/' + etag, 200), (date, 206),
                                  ('Sun, 06 Nov 1994 08:49:37 GMT', 200), ('nonsense', 200)]:
                self.assertEqual(self.server.get(path, Range='bytes=0-0', If_Range=value).status, status, value)
            self.assertEqual(self.server.request('HEAD', path, headers={'Range': 'bytes=0-0'}).status, 200)

    def test_digests(self):
        for size in (10, 200_000):
            data = os.urandom(size)
            path = file_path(f'digest/{size}')
            for name in ('sha-256', 'sha-512'):
                self.assertIn(self.server.put(path, data, Content_Digest=digest(data, name)).status, (200, 201))
                self.assert_problem(self.server.put(path, b'x' + data[1:], Content_Digest=digest(data, name)), 400, 'HTTP_DIGEST')
            self.assertEqual(self.server.put(path, data, Content_Digest='md5=:AAAA:').status, 200)
            self.assertEqual(self.server.put(path, data, Repr_Digest=digest(b'')).status, 400)
            for bad in ('sha-256=AAAA', 'sha-256=:AAA:', 'sha-256=:AAAA:', 'nonsense'):
                self.assert_problem(self.server.put(path, data, Content_Digest=bad), 400, 'HTTP_BAD_REQUEST')
            self.assertTrue(self.server.get(path).body == data)

    def test_metadata(self):
        self.put('meta/a', b'x', Content_Type='text/x; charset=utf-8', x_jzse_meta_Color='r%C3%A4d 100%25', x_jzse_meta_empty='',
                 x_jzse_mtime='2020-02-29T23:59:59.123456789+01:00', x_jzse_mode='0640')
        answer = self.server.get(file_path('meta/a'))
        self.assertEqual(answer.headers['Content-Type'], 'text/x; charset=utf-8')
        self.assertEqual(answer.headers['x-jzse-meta-color'], 'r%C3%A4d 100%25')
        self.assertEqual(answer.headers['x-jzse-mtime'], '2020-02-29T22:59:59.123456789Z')
        self.assertRegex(answer.headers['x-jzse-changed'], r'^20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        self.assertEqual(answer.headers['Last-Modified'], 'Sat, 29 Feb 2020 22:59:59 GMT')
        self.assertEqual(answer.headers['x-jzse-mode'], '640')
        about = self.server.get('/v1/namespaces/default/metadata/meta/a').json
        self.assertEqual(about['metadata'], {'color': 'räd 100%', 'empty': ''})
        changed = self.server.send_json('PUT', '/v1/namespaces/default/metadata/meta/a',
                                        {'content_type': 'a/b', 'metadata': {'k': 'v'}, 'mode': '755'})
        self.assertEqual(changed.status, 200, changed)
        answer = self.server.get(file_path('meta/a'))
        self.assertEqual((answer.headers['Content-Type'], answer.headers['x-jzse-meta-k'], answer.headers['x-jzse-mode'], answer.body),
                         ('a/b', 'v', '755', b'x'))
        self.assertIsNone(answer.headers['x-jzse-meta-color'])
        self.put('meta/link', b'a', x_jzse_kind='symlink')
        self.assertEqual(self.server.get(file_path('meta/link')).headers['x-jzse-kind'], 'symlink')
        for headers in ({'x_jzse_mode': '9'}, {'x_jzse_mtime': 'now'}, {'x_jzse_kind': 'socket'}, {'x_jzse_meta_a': '%zz'}):
            self.assert_problem(self.server.put(file_path('meta/b'), b'x', **headers), 400, 'HTTP_BAD_REQUEST')

    def test_errors(self):
        self.put('errors/file', b'x')
        for method, path, status, code in [
                ('GET', file_path('errors/none'), 404, 'JZSE_NOT_FOUND'), ('GET', file_path('x', 'none'), 404, 'JZSE_NOT_FOUND'),
                ('GET', file_path('x', 'Bad'), 400, 'JZSE_INVALID'), ('GET', file_path('errors'), 409, 'JZSE_EXISTS'),
                ('GET', '/v1/none', 404, 'HTTP_NO_ROUTE'), ('POST', file_path('errors/file'), 405, 'HTTP_METHOD'),
                ('BREW', file_path('errors/file'), 501, 'HTTP_METHOD'), ('GET', '/v1/namespaces/default/files?limit=0', 400, 'HTTP_BAD_REQUEST'),
                ('GET', '/v1/namespaces/default/files?what=1', 400, 'HTTP_BAD_REQUEST'), ('DELETE', file_path('errors'), 409, 'JZSE_EXISTS'),
                ('GET', file_path('errors/file') + '?version=999', 404, 'JZSE_NOT_FOUND'),
                ('GET', file_path('errors/file') + '?version=x', 400, 'HTTP_BAD_REQUEST')]:
            self.assert_problem(self.server.request(method, path), status, code)
        self.assert_problem(self.server.put(file_path('errors/file/below'), b'x'), 409, 'JZSE_EXISTS')
        self.assertIn('PUT', self.server.request('POST', file_path('errors/file')).headers['Allow'])
        self.assert_problem(self.server.request('PUT', '/v1/namespaces/x', b'x', {'Content-Type': 'text/plain'}), 415, 'HTTP_MEDIA_TYPE')
        for body in ('{', '[]', '{"what": 1}', '{"kind": 1}', '{"kind": "heap"}', '{"quota_bytes": -1}', '{"versions_max": 5000000000}'):
            answer = self.server.request('PUT', '/v1/namespaces/x', body, {'Content-Type': 'application/json'})
            self.assert_problem(answer, 400, 'HTTP_BAD_REQUEST')

    def test_request_ids(self):
        answer = self.server.get('/livez', x_request_id='my-id.7')
        self.assertEqual(answer.headers['x-request-id'], 'my-id.7')
        wait_until(lambda: any('id=my-id.7 ' in line for line in self.server.log))
        ids = {self.server.get('/livez', x_request_id=bad).headers['x-request-id'] for bad in ('', 'a b', 'x' * 65, 'ä'.encode())}
        self.assertEqual(len(ids), 4)
        self.assertTrue(all(re.fullmatch('[0-9a-f]{16}', i) for i in ids))

    def test_browsers(self):
        self.assertEqual(self.server.get('/livez', Host='evil.example').status, 421)
        self.assertEqual(self.server.get('/livez', Host='localhost:1').status, 200)
        host = f'127.0.0.1:{self.server.port}'
        self.assertEqual(self.server.put(file_path('origin'), b'x', Origin='http://evil.example').status, 403)
        self.assertEqual(self.server.put(file_path('origin'), b'x', Origin='null').status, 403)
        self.assertEqual(self.server.put(file_path('origin'), b'x', Origin='http://' + host).status, 201)
        page = self.server.get('/')
        self.assertEqual((page.status, page.headers['Content-Type']), (200, 'text/html; charset=utf-8'))
        self.assertEqual(self.server.get('/', If_None_Match=page.headers['ETag']).status, 304)
        self.assertEqual(self.server.get('/console/none.js').status, 404)

    def test_expect_continue(self):
        with self.server.socket() as connection:
            connection.sendall(f'PUT {file_path("expect")} HTTP/1.1\r\nHost: x.localhost\r\nHost: y\r\nExpect: 100-continue\r\n'
                               'Content-Length: 5\r\n\r\n'.encode())
            self.assertTrue(read_all(connection).startswith(b'HTTP/1.1 400'))
        for size in (5, 100_000):
            with self.server.socket() as connection:
                connection.sendall(f'PUT {file_path("expect")} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n'
                                   f'Content-Length: {size}\r\n\r\n'.encode())
                self.assertEqual(connection.recv(1000), b'HTTP/1.1 100 Continue\r\n\r\n')
                connection.sendall(b'x' * size)
                self.assertTrue(read_all(connection).startswith(b'HTTP/1.1 20'))

    def test_broken_upload_changes_nothing(self):
        self.put('broken', b'old')
        for size in (1000, 300_000):
            with self.server.socket() as connection:
                connection.sendall(f'PUT {file_path("broken")} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n'.encode() +
                                   b'x' * (size - 1))
        self.assertEqual(self.server.get(file_path('broken')).body, b'old')

    def test_reader_keeps_its_version(self):
        """A download that began before an overwrite ends with the bytes it began with."""
        old, new = os.urandom(8 * MIB), os.urandom(8 * MIB)
        self.put('moving', old)
        with self.server.connect_closing() as connection:
            connection.request('GET', file_path('moving'))
            answer = connection.getresponse()
            first = answer.read(1000)
            self.put('moving', new)
            self.assertTrue(first + answer.read() == old)
        self.assertTrue(self.server.get(file_path('moving')).body == new)

    def test_parallel(self):
        failures = []

        def work(worker):
            with self.server.connect_closing() as connection:
                for i in range(50):
                    data = f'{worker}-{i}'.encode() * (1 if i % 2 else 20_000)
                    path = file_path(f'parallel/{worker}/{i % 5}')
                    if self.server.request('PUT', path, data, connection=connection).status not in (200, 201):
                        failures.append(path)
                    if self.server.request('GET', path, connection=connection).body != data:
                        failures.append(path)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Stopping(unittest.TestCase):
    def test_graceful(self):
        """What is under way is finished, nothing new begins, the exit code is 0, and the files are there afterwards."""
        with Server() as server:
            data = os.urandom(MIB)
            idle, busy = server.socket(), server.socket()
            busy.sendall(f'PUT {file_path("late")} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {MIB}\r\n\r\n'.encode())
            self.assertEqual(busy.recv(1000), b'HTTP/1.1 100 Continue\r\n\r\n')  # it is under way
            busy.sendall(data[:1000])
            stopped = []
            thread = threading.Thread(target=lambda: stopped.append(server.stop()))
            process = server.process
            thread.start()
            self.assertEqual(read_all(idle), b'')
            self.assertIsNone(process.poll())
            busy.sendall(data[1000:])
            self.assertTrue(read_all(busy).startswith(b'HTTP/1.1 201'))
            thread.join()
            self.assertEqual(stopped, [0])
            server.start()
            self.assertTrue(server.get(file_path('late')).body == data)

    def test_what_arrived_before_the_stop_is_answered(self):
        """Requests that lie in the sockets of a process that got no processor, and a stop that it notices at the same moment."""
        get = f'GET {file_path("there")} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode()
        with Server() as server:
            server.put(file_path('there'), b'the end')
            for _ in range(10):
                clients = [server.socket() for _ in range(8)]
                for client in clients:
                    client.sendall(get)
                    while not client.recv(65536).endswith(b'the end'):
                        pass
                process = server.process
                process.send_signal(signal.SIGSTOP)
                for client in clients:
                    client.sendall(get)
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
                for client in clients:
                    self.assertTrue(read_all(client).startswith(b'HTTP/1.1 200'))
                self.assertEqual(server.stop(), 0)
                server.start()

    def test_a_process_that_slept_does_not_blame_its_clients(self):
        with Server('--head-timeout', '1s') as server:
            server.put(file_path('there'), b'the end')
            client = server.socket()
            client.sendall(f'GET {file_path("there")} HTTP/1.1\r\n'.encode())
            time.sleep(0.3)  # it has begun to count; if not, this proves nothing, and nothing fails
            server.process.send_signal(signal.SIGSTOP)
            client.sendall(b'Host: localhost\r\nConnection: close\r\n\r\n')
            time.sleep(1.5)
            server.process.send_signal(signal.SIGCONT)
            self.assertTrue(read_all(client).startswith(b'HTTP/1.1 200'))

    def test_second_signal_cuts(self):
        with Server() as server:
            stuck = server.socket()
            stuck.sendall(f'PUT {file_path("stuck")} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n'.encode())
            self.assertEqual(stuck.recv(1000), b'HTTP/1.1 100 Continue\r\n\r\n')
            server.process.terminate()
            wait_until(lambda: any('event=stopping' in line for line in server.log))
            self.assertEqual(server.stop(), 0)
            stuck.close()

    def test_refusals_to_start(self):
        with Server() as server:
            second = Server(store=server.store)
            with self.assertRaisesRegex(RuntimeError, 'jzsed: .*' + str(server.process.pid)):
                second.start()
            for options in (['--port', 'x'], ['--what'], ['--port']):
                with self.assertRaisesRegex(RuntimeError, 'jzsed: '):
                    Server(*options).start()


class Damage(unittest.TestCase):
    def damage(self, store, piece):
        """Turns one bit of the only place where `piece` is stored."""
        for folder, _, names in os.walk(os.path.join(store, 'segments')):
            for name in names:
                with open(os.path.join(folder, name), 'r+b') as file:
                    at = file.read().find(piece)
                    if at >= 0:
                        file.seek(at)
                        file.write(bytes([piece[0] ^ 1]))
                        return
        self.fail('the piece is nowhere')

    def test_damage_is_never_served(self):
        """In the first piece it is an answer of its own; later the connection is cut, short of what was promised."""
        data = os.urandom(12 * 1024 * 1024)
        for name, at in (('first', 5_000), ('early', 500_000), ('late', 11_000_000)):
            with self.subTest(name), Server() as server:
                server.put(file_path('large'), data)
                server.put(file_path('small'), data[:5000])
                server.stop()
                self.damage(server.store, data[at:at + 64])
                server.start()
                if name == 'first':
                    answer = server.get(file_path('large'))
                    self.assertEqual((answer.status, answer.json['code']), (500, 'JZSE_CORRUPT'))
                else:
                    with self.assertRaises(http.client.IncompleteRead) as cut:
                        server.get(file_path('large'))
                    self.assertTrue(data.startswith(cut.exception.partial))
                    self.assertLessEqual(len(cut.exception.partial), at)
                self.assertEqual(server.get(file_path('small')).body, data[:5000])


if __name__ == '__main__':
    server_case.main()
