#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Slow and greedy clients: deadlines end them, caps refuse them, others are served meanwhile."""
import contextlib
import http.client
import os
import socket
import threading
import time
import unittest

import server_case
from server_case import Server, file_path, read_all, wait_until

ATTACKERS = 300


def healthy(limit, call):
    """What `call` answers. On a machine so slow that a client in good health overran the limit of so many seconds itself, it may try again."""
    while True:
        start = time.monotonic()
        try:
            answer = call()
            if answer.status != 408:
                return answer
            error = AssertionError(f'cut in good health: {answer}')
        except (OSError, http.client.HTTPException) as cut:
            error = cut
        if time.monotonic() - start < limit:
            raise error


class Slow(unittest.TestCase):
    def drip(self, connections, stop):
        """A byte for each connection again and again: every read moves, no phase ends."""
        while not stop.wait(0.05):
            for connection in connections:
                try:
                    connection.send(b'x')
                except OSError:
                    pass

    def attack(self, server, opening):
        connections = []
        for _ in range(ATTACKERS):
            connections.append(server.socket('127.0.0.2'))
            try:
                connections[-1].sendall(opening)
            except OSError:
                pass  # so slow are we that it is cut already
        return connections

    def test_slow_heads_and_bodies(self):
        """Half of a head, or of a body, a byte at a time: all of them are cut, and nobody else notices."""
        put = f'PUT {file_path("slow")} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n'.encode()
        large = put.replace(b'60000', b'900000')
        with Server('--head-timeout', '2s', '--progress-timeout', '2s', '--progress-bytes-min', '100000') as server:
            for opening, status in ((b'GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ', b'408'), (put, b''), (large, b''), (b'G', b'408')):
                connections = self.attack(server, opening)
                stop = threading.Event()
                dripper = threading.Thread(target=self.drip, args=(connections, stop), daemon=True)
                dripper.start()
                for i in range(30):
                    path = file_path(f'healthy/{i}')
                    self.assertEqual(healthy(1.5, lambda: server.put(path, b'x' * i)).status // 100, 2)
                    self.assertEqual(healthy(1.5, lambda: server.get(path)).body, b'x' * i)
                answers = set()
                for connection in connections:
                    connection.settimeout(server_case.DEADLINE)
                    answers.add(read_all(connection)[9:12])
                    connection.close()
                stop.set()
                if status:
                    self.assertIn(status, answers)
                    self.assertLessEqual(answers, {status, b''})  # b'': nothing was read of it in time
                dripper.join()
            self.assertEqual(healthy(1.5, lambda: server.get(file_path('slow'))).status, 404)

    def test_slow_readers(self):
        data = b'x' * (8 << 20)
        with Server('--progress-timeout', '2s', '--progress-bytes-min', '1000') as server:
            server.put(file_path('large'), data)
            readers = []
            for _ in range(50):
                reader = socket.socket()
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect(('127.0.0.1', server.port))
                reader.sendall(f'GET {file_path("large")} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
                readers.append(reader)
            for _ in range(20):
                self.assertEqual(len(healthy(1.5, lambda: server.get(file_path('large'))).body), len(data))
            wait_until(lambda: b'jzsed_connections 1\n' in server.get('/metrics').body)
            for reader in readers:
                reader.close()

    def test_idle_connections_end(self):
        with Server('--idle-timeout', '1000ms') as server:
            with server.socket() as connection:
                connection.sendall(b'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
                self.assertEqual(read_all(connection).count(b'HTTP/1.1 200'), 1)

    def test_caps(self):
        with Server('--connections-max', '21', '--connections-per-address-max', '10', '--head-timeout', '600s', '--idle-timeout', '600s') as server, \
                server.connect_closing() as asking:
            def count(wanted):
                """Asked on a connection that stays, because one that was closed counts until the server has seen that."""
                wait_until(lambda: b'jzsed_connections %d\n' % wanted in server.request('GET', '/metrics', connection=asking).body)
            first = [server.socket('127.0.0.3') for _ in range(10)]
            count(11)
            with server.socket('127.0.0.3') as refused:
                answer = read_all(refused)
                self.assertTrue(answer.startswith(b'HTTP/1.1 503') and b'Retry-After' in answer, answer)
            self.assertEqual(server.get('/livez').status, 200)
            count(11)
            second = [server.socket('127.0.0.4') for _ in range(10)]
            count(21)
            with server.socket('127.0.0.5') as refused:
                self.assertTrue(read_all(refused).startswith(b'HTTP/1.1 503'))
            for connection in first + second:
                connection.close()
            wait_until(lambda: self.lives(server))

    def lives(self, server):
        try:
            return server.get('/livez').status == 200
        except OSError:
            return False

    def test_overload_is_an_answer(self):
        """More work than the pool may hold: some are told to come again, nobody waits for ever, nothing breaks."""
        with Server('--jobs-max', '2', '--workers', '1') as server:
            statuses = []

            def work():
                for _ in range(40):
                    answer = server.get('/v1/namespaces/default/files')
                    statuses.append(answer.status)
                    if answer.status == 503:
                        assert answer.json['retry'] and answer.headers['Retry-After'], answer
            threads = [threading.Thread(target=work) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(statuses), 480)
            self.assertLessEqual(set(statuses), {200, 503})
            self.assertIn(200, statuses)

    def test_downloads_share_transfer_memory(self):
        """Four downloads that nobody reads hold what there is for downloads. Another one goes without memory; one that is stored compressed waits."""
        with Server('--transfer-memory', '4MiB') as server:
            server.send_json('PUT', '/v1/namespaces/squeezed', {'compression': 3})
            data = os.urandom(24 * 1024 * 1024)
            text = b'a line that is there more than once\n' * 30_000
            server.put(file_path('large'), data)
            server.put(file_path('text', 'squeezed'), text)
            holders = [server.socket() for _ in range(4)]
            for holder in holders:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                holder.sendall(f'GET {file_path("large")} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
            wait_until(lambda: b'jzsed_transfer_buffer_bytes 2097152\n' in server.get('/metrics').body)
            self.assertTrue(server.get(file_path('large')).body == data)
            with server.socket() as late:
                late.sendall(f'GET {file_path("text", "squeezed")} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode())
                late.settimeout(1)
                early = b''
                with contextlib.suppress(TimeoutError):
                    while True:
                        early += late.recv(65536)
                self.assertEqual(early.partition(b'\r\n\r\n')[2], b'')
                holders[0].close()
                late.settimeout(30)
                self.assertTrue((early + read_all(late)).partition(b'\r\n\r\n')[2] == text)
            for holder in holders:
                holder.close()
            wait_until(lambda: b'jzsed_transfer_buffer_bytes 0\n' in server.get('/metrics').body)

    def test_transfer_memory(self):
        with Server('--transfer-memory', '4MiB', '--upload-buffer', '512KiB') as server:
            head = f'PUT {file_path("t")} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nx'.encode()
            holders = [server.socket() for _ in range(4)]
            for holder in holders:
                holder.sendall(head)
            wait_until(lambda: b'jzsed_transfer_buffer_bytes 4194304' in server.get('/metrics').body)
            with server.socket() as third:
                third.sendall(head)
                answer = read_all(third)
                self.assertTrue(answer.startswith(b'HTTP/1.1 503') and b'Retry-After' in answer, answer)
            self.assertEqual(server.put(file_path('small'), b'x').status, 201)
            for holder in holders:
                holder.close()
            wait_until(lambda: b'jzsed_transfer_buffer_bytes 0\n' in server.get('/metrics').body)


if __name__ == '__main__':
    server_case.main()
