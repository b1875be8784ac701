#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The change feed: pages, long polls, event streams."""
import base64
import json
import threading
import time
import unittest

import server_case
from server_case import Server, file_path, wait_until


class Stream:
    """An event stream as a browser reads it."""

    def __init__(self, server, query='', **headers):
        self.connection = server.connect()
        self.connection.request('GET', '/v1/changes' + query, headers={'Accept': 'text/event-stream', **headers})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200 and self.answer.headers['Content-Type'] == 'text/event-stream', self.answer.status
        self.comments = 0

    def next(self, heartbeat=False):
        """The next event; or None once a heartbeat has come, if that is what is waited for."""
        event = {}
        while True:
            line = self.answer.readline().decode().rstrip('\n')
            if line.startswith(':'):
                self.comments += 1
                if heartbeat:
                    return None
            elif line:
                key, value = line.split(': ', 1)
                event[key] = value
            elif 'data' in event:
                return int(event['id']), event['event'], json.loads(event['data'])
            elif self.answer.isclosed():
                return None

    def close(self):
        self.connection.close()
        self.answer.close()


class Changes(unittest.TestCase):
    def setUp(self):
        self.server = Server('--heartbeat', '1')
        self.server.start()

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.__exit__()

    def put(self, path):
        return self.server.put(file_path(path), path.encode()).json['sequence']

    def test_pages(self):
        for i in range(25):
            self.put(f'a/{i}')
        seen, after = [], 0
        while True:
            page = self.server.get(f'/v1/changes?limit=7&after={after}').json
            if not page['changes']:
                break
            seen += [change['path'] for change in page['changes']]
            after = page['next']
        self.assertEqual(seen, [f'a/{i}' for i in range(25)])
        self.assertEqual(self.server.get('/v1/changes?prefix=a/2').json['changes'][0]['path'], 'a/2')
        self.assertEqual(self.server.get('/v1/changes?namespace=default&after=now').json, {'changes': [], 'next': after})

    def test_long_poll(self):
        self.put('before')
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.server.get('/v1/changes?after=now&wait=60').json))
                   for _ in range(10)]
        for thread in threads:
            thread.start()
        wait_until(lambda: b'jzsed_watchers 10' in self.server.get('/metrics').body)
        time.sleep(0.1)
        self.assertEqual(answers, [])
        sequence = self.put('after')
        for thread in threads:
            thread.join()
        self.assertEqual([[c['sequence'] for c in a['changes']] for a in answers], [[sequence]] * 10)
        start = time.monotonic()
        self.assertEqual(self.server.get('/v1/changes?after=now&wait=1').json['changes'], [])
        self.assertGreater(time.monotonic() - start, 0.7)
        wait_until(lambda: b'jzsed_watchers 0' in self.server.get('/metrics').body)

    def test_no_change_is_missed(self):
        """Writers and long polls race; every poll goes on where the last one ended."""
        count, seen = 300, []

        def write():
            for i in range(count):
                self.put(f'race/{i}')
        writer = threading.Thread(target=write)
        writer.start()
        after = 0
        while len(seen) < count:
            page = self.server.get(f'/v1/changes?after={after}&wait=60').json
            self.assertTrue(page['changes'], 'a change was missed')
            seen += [change['path'] for change in page['changes']]
            after = page['next']
        writer.join()
        self.assertEqual(seen, [f'race/{i}' for i in range(count)])

    def test_event_stream(self):
        first = self.put('one')
        stream = Stream(self.server)
        self.assertEqual(stream.next()[:2], (first, 'put'))
        second = self.put('two')
        sequence, kind, change = stream.next()
        self.assertEqual((sequence, kind, change['path'], change['entry']['size']), (second, 'put', 'two', 3))
        self.server.send_json('POST', '/v1/namespaces/default/move', {'from': 'two', 'to': 'three'})
        self.server.delete(file_path('three'))
        self.assertEqual([stream.next()[1] for _ in range(2)], ['move', 'delete'])
        before = stream.comments
        self.assertIsNone(stream.next(heartbeat=True))
        self.assertEqual(stream.comments, before + 1)
        self.put('later')
        self.assertEqual(stream.next()[2]['path'], 'later')
        stream.close()
        resumed = Stream(self.server, '?after=0', **{'Last-Event-ID': str(second)})
        self.assertEqual(resumed.next()[1], 'move')
        resumed.close()
        wait_until(lambda: b'jzsed_watchers 0' in self.server.get('/metrics').body)

    def test_filters_and_groups(self):
        self.server.send_json('PUT', '/v1/namespaces/other', {})
        stream = Stream(self.server, '?after=now&namespace=other&prefix=x/')
        self.put('x/not')
        self.server.put(file_path('y', 'other'), b'')
        operations = [{'op': 'put', 'namespace': 'other', 'path': f'x/{i}', 'text': ''} for i in range(3)]
        self.server.send_json('POST', '/v1/batch', {'operations': operations})
        events = [stream.next()[2] for _ in range(3)]
        self.assertEqual([e['path'] for e in events], ['x/0', 'x/1', 'x/2'])
        self.assertEqual([e['more'] for e in events], [True, True, False])
        stream.close()

    def test_more_speaks_of_what_is_shown(self):
        """A group's end may be filtered out, or lie in the namespace that holds uploads."""
        self.server.send_json('PUT', '/v1/namespaces/elsewhere', {})

        def batch(*places):
            operations = [{'op': 'put', 'namespace': ns, 'path': path, 'text': path} for ns, path in places]
            self.assertEqual(self.server.send_json('POST', '/v1/batch', {'operations': operations}).status, 200)
        after = self.server.get('/v1/changes?after=now').json['next']
        batch(('default', 'm/1'), ('elsewhere', 'm/2'), ('default', 'm/3'), ('default', 'other'))
        batch(('default', 'm/4'), ('default', 'm/5'), ('elsewhere', 'm/6'))
        batch(('elsewhere', 'm/7'), ('default', 'm/8'))
        page = self.server.get(f'/v1/changes?after={after}&namespace=default&prefix=m/').json['changes']
        self.assertEqual([(c['path'], c['more']) for c in page], [('m/1', True), ('m/3', False), ('m/4', True), ('m/5', False), ('m/8', False)])
        stream = Stream(self.server, f'?after={after}&namespace=default&prefix=m/')
        self.assertEqual([stream.next()[2]['more'] for _ in range(5)], [True, False, True, False, False])
        stream.close()
        everything = self.server.get(f'/v1/changes?after={after}').json['changes']
        self.assertEqual([c['more'] for c in everything], [True, True, True, False, True, True, False, True, False])
        before, after = self.server.get('/v1/stats').json, everything[-1]['sequence']
        tus = {'Tus-Resumable': '1.0.0', 'Upload-Length': '5', 'Upload-Metadata': 'path ' + base64.b64encode(b'uploaded').decode(),
               'Content-Type': 'application/offset+octet-stream'}
        self.assertEqual(self.server.request('POST', '/v1/uploads', b'bytes', tus).status, 201)
        page = self.server.get(f'/v1/changes?after={after}').json['changes']
        self.assertEqual([(c['path'], c['more']) for c in page], [('uploaded', False)])
        now = self.server.get('/v1/stats').json
        self.assertEqual({name: now[name] - before[name] for name in ('namespace_count', 'file_count', 'logical_bytes', 'tombstone_count')},
                         {'namespace_count': 0, 'file_count': 1, 'logical_bytes': 5, 'tombstone_count': 0})

    def test_stop_ends_waits(self):
        stream = Stream(self.server)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.server.get('/v1/changes?after=now&wait=60').status))
        thread.start()
        wait_until(lambda: b'jzsed_watchers 2' in self.server.get('/metrics').body)
        self.assertEqual(self.server.stop(), 0)
        thread.join()
        self.assertEqual(answers, [200])
        self.assertIsNone(stream.next())
        self.server.start()


if __name__ == '__main__':
    server_case.main()
