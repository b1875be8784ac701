#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Range and conditional requests answered as nginx answers them for the same file. Where the two differ on purpose, the reason stands in DIFFERENCES. Skipped
where there is no nginx."""
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import server_case
from server_case import Server, file_path, wait_until

NGINX = shutil.which('nginx') or ('/usr/sbin/nginx' if os.path.exists('/usr/sbin/nginx') else None)
MTIME = 1_600_000_000
DATE, EARLIER, LATER = ('Sun, 13 Sep 2020 12:26:40 GMT', 'Sun, 13 Sep 2020 12:26:39 GMT', 'Sun, 13 Sep 2020 12:26:41 GMT')

RANGES = [None, 'bytes=0-0', 'bytes=0-', 'bytes=1-3', 'bytes=5-5', 'bytes=-1', 'bytes=-4', 'bytes=-1000', 'bytes=0-1000', 'bytes=9-', 'bytes=10-',
          'bytes=10-20', 'bytes=9-9', 'bytes=0-1,3-4', 'bytes=0-0,-1', 'bytes= 0-1', 'bytes=0-1, 3-4', 'bytes=5-6,1-2', 'bytes=0-3,2-5', 'bytes=20-,1-2',
          'bytes=1-2,20-', 'bytes=00-01', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=3-1', 'bytes=1', 'items=0-1', 'bytes=-0', 'BYTES=0-1', 'bytes=0-1,', 'bytes=0-1,x']
CONDITIONS = [{}, {'If-Match': 'ETAG'}, {'If-Match': '"x"'}, {'If-Match': '*'}, {'If-Match': '"x", ETAG'}, {'If-None-Match': 'ETAG'}, {'If-None-Match': '*'},
              {'If-None-Match': '"x"'}, {'If-None-Match': 'W/ETAG'}, {'If-None-Match': '"x", ETAG'}, {'If-Modified-Since': DATE}, {'If-Modified-Since': 'nonsense'},
              {'If-Unmodified-Since': DATE}, {'If-Unmodified-Since': EARLIER}, {'If-Unmodified-Since': LATER}, {'If-Range': 'ETAG'}, {'If-Range': '"x"'},
              {'If-Range': DATE}, {'If-Range': EARLIER}, {'If-Match': '"x"', 'If-None-Match': 'ETAG'}, {'If-None-Match': '"x"', 'If-Modified-Since': DATE},
              {'If-None-Match': 'ETAG', 'If-Modified-Since': EARLIER}, {'If-Match': 'ETAG', 'If-Unmodified-Since': LATER}]


def malformed(text):
    return text in ('bytes=', 'bytes=-', 'bytes=a-b', 'bytes=3-1', 'bytes=1', 'bytes=0-1,x')


def difference(method, size, text, conditions, ours, theirs):
    """Why the two may differ here, or None."""
    if method == 'HEAD' and text:
        return 'nginx answers HEAD with Range as it would GET; RFC 9110, 14.2: Range means nothing but for GET'
    if text and malformed(text):
        return 'nginx answers 416 to a malformed Range; RFC 9110, 14.2: it is to be ignored'
    if text == 'bytes=0-1,':
        return 'an empty list element: nginx 416, RFC 9110, 5.6.1: to be ignored'
    if size == 0 and text:
        return 'an empty file has no byte: nginx sends 200, we 416'
    if text in ('bytes=0-3,2-5',):
        return 'nginx sends overlapping ranges joined or as they are, depending on its version'
    if {'If-None-Match', 'If-Modified-Since'} <= set(conditions):
        return 'nginx wants both to hold; RFC 9110, 13.1.3: If-Modified-Since means nothing beside If-None-Match'
    if text == 'bytes=-0':
        return 'nginx sends 416 without, we with the problem document; or the whole'
    return None


@unittest.skipUnless(NGINX, 'no nginx')
class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='jzsed-nginx-')
        os.makedirs(cls.folder + '/root')
        cls.held = server_case.Port()
        port = cls.held.number
        with open(cls.folder + '/nginx.conf', 'w', encoding='ascii') as file:
            file.write(f'daemon off; master_process off; pid {cls.folder}/pid; error_log {cls.folder}/error.log;\n'
                       'events { worker_connections 64; }\n'
                       f'http {{ access_log off; if_modified_since before; max_ranges 16; default_type application/octet-stream;\n'
                       f'  client_body_temp_path {cls.folder}/b; proxy_temp_path {cls.folder}/p; fastcgi_temp_path {cls.folder}/f;\n'
                       f'  uwsgi_temp_path {cls.folder}/u; scgi_temp_path {cls.folder}/s;\n'
                       f'  server {{ listen 127.0.0.1:{port}; root {cls.folder}/root; }} }}\n')
        user = [] if os.geteuid() else ['-g', 'user root;']
        cls.nginx = subprocess.Popen([NGINX, '-p', cls.folder, '-c', cls.folder + '/nginx.conf', *user], stderr=subprocess.DEVNULL)
        cls.peer = Server(store=cls.folder)
        cls.peer.port = port
        cls.server = Server('--no-log-requests')
        cls.server.start()
        for size in (0, 10, 100_000):
            data = os.urandom(size)
            with open(f'{cls.folder}/root/{size}', 'wb') as file:
                file.write(data)
            os.utime(f'{cls.folder}/root/{size}', (MTIME, MTIME))
            cls.server.put(file_path(str(size)), data, x_jzse_mtime='2020-09-13T12:26:40Z')
        wait_until(cls.peer_lives)

    @classmethod
    def peer_lives(cls):
        try:
            return cls.peer.get('/10').status == 200
        except OSError:
            time.sleep(0.05)
            return False

    @classmethod
    def tearDownClass(cls):
        cls.nginx.terminate()
        cls.nginx.wait(server_case.DEADLINE)
        cls.held.close()
        cls.server.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def ask(self, server, method, path, text, conditions):
        etag = server.request('HEAD', path).headers['ETag']
        headers = {name: value.replace('ETAG', etag) for name, value in conditions.items()}
        if text:
            headers['Range'] = text
        answer = server.request(method, path, headers=headers)
        return answer.status, answer.headers.get('Content-Range'), self.body(answer, method), answer.headers.get('Last-Modified') if answer.status < 300 else None

    def body(self, answer, method):
        if answer.status not in (200, 206):
            return None
        if method == 'HEAD':
            return answer.headers['Content-Length'] if 'multipart' not in answer.headers['Content-Type'] else None
        match = re.search('boundary=(.*)', answer.headers['Content-Type'])
        if not match:
            return answer.body
        parts = answer.body.split(b'--' + match.group(1).encode())[1:-1]
        return [(re.search(b'Content-[Rr]ange: (.*?)\r', part).group(1), part.split(b'\r\n\r\n', 1)[1]) for part in parts]

    def test_same_answers(self):
        compared = excused = 0
        for size in (0, 10, 100_000):
            for method in ('GET', 'HEAD'):
                for text in RANGES if method == 'GET' and size else RANGES[:4]:
                    for conditions in CONDITIONS:
                        ours = self.ask(self.server, method, file_path(str(size)), text, conditions)
                        theirs = self.ask(self.peer, method, f'/{size}', text, conditions)
                        compared += 1
                        if ours == theirs:
                            continue
                        excused += 1
                        self.assertIsNotNone(difference(method, size, text, conditions, ours, theirs),
                                             f'{method} {size} {text} {conditions}: ours {str(ours)[:200]}, nginx {str(theirs)[:200]}')
        self.assertGreater(compared, 3 * excused, 'too much is excused')


if __name__ == '__main__':
    server_case.main()
