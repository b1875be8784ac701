# SPDX-License-Identifier: Apache-2.0
"""What the tests of the console share: a jzsed of its own for each test, one browser for all, and what must hold after each: no error
was told to the browser's console, and nothing was fetched from elsewhere."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import zlib

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'server'))
import browser
from server_case import DEADLINE, Port

JZSED, SHOTS = sys.argv[1] if len(sys.argv) > 1 else '', sys.argv[2] if len(sys.argv) > 2 else ''
SKIPPED = 77
DESKTOP, PHONE = (1360, 860), (390, 844)


def png(width, height):
    rows = b''.join(b'\0' + bytes(v for x in range(width) for v in (x * 255 // width, 90 + y * 80 // height, 180 - y * 90 // height))
                    for y in range(height))

    def part(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return (b'\x89PNG\r\n\x1a\n' + part(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + part(b'IDAT', zlib.compress(rows)) +
            part(b'IEND', b''))


class Server:
    def __init__(self, folder):
        self.folder, self.held, self.process = folder, Port(), None
        self.port = self.held.number
        self.start()

    def start(self):
        command = [JZSED, '--store', os.path.join(self.folder, 'store'), '--port', str(self.port), '--log-level', 'warning']
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, 'HOME': self.folder})
        line = self.process.stdout.readline()
        if 'http://' not in line:
            raise AssertionError(f'jzsed did not start: {line}')

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=DEADLINE)
        self.process.stdout.close()

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=DEADLINE)
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response, data

    def put(self, path, content, ns='default', content_type='application/octet-stream'):
        url = f'/v1/namespaces/{ns}/files/{urllib.parse.quote(path, safe="/")}'
        response, data = self.call('PUT', url, content, {'Content-Type': content_type})
        assert response.status in (200, 201), (path, response.status, data)

    def get(self, path, ns='default'):
        response, data = self.call('GET', f'/v1/namespaces/{ns}/files/{urllib.parse.quote(path, safe="/")}')
        return data if response.status == 200 else None

    def json(self, path):
        return json.loads(self.call('GET', path)[1])


class ConsoleCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.page = browser.Browser(browser.find())

    @classmethod
    def tearDownClass(cls):
        cls.page.close()

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='jzse-console-')
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.server = Server(self.dir)
        self.addCleanup(self.server.stop)
        self.url = f'http://127.0.0.1:{self.server.port}/'
        self.page.errors.clear()
        self.page.requests.clear()
        self.page.window(*DESKTOP)

    def tearDown(self):
        self.page.call('Page.navigate', url='about:blank')  # ends its streams before the server stops
        self.assertEqual(self.page.errors, [])
        self.assertEqual([url for url in self.page.requests if not url.startswith((self.url, 'blob:', 'data:', 'about:'))], [])

    def open(self, place='#/files/default/'):
        self.page.go('about:blank')
        self.page.go(self.url + place)
        self.wait('document.querySelector("#live").dataset.state === "open"')

    def expect_errors(self, *words):
        """What the browser itself tells of what the test has provoked, and nothing else."""
        strange = [error for error in self.page.errors if not any(word in error for word in words)]
        self.page.errors[:] = strange

    def wait(self, expression, what=None):
        return self.page.wait(expression, what)

    def run_js(self, expression):
        return self.page.run(expression)

    def row(self, path):
        return f'tr[data-path={json.dumps(path, ensure_ascii=False)}]'

    def wait_row(self, path, there=True):
        self.wait(f'!!document.querySelector({json.dumps(self.row(path))}) === {json.dumps(there)}', f'{path}: {there}')

    def names(self):
        return self.run_js('[...document.querySelectorAll("tbody .name a")].map((a) => a.textContent)')

    def wait_text(self, text, within='body'):
        self.wait(f'document.querySelector({json.dumps(within)})?.innerText.includes({json.dumps(text)})', f'"{text}" in {within}')

    def button(self, text, within='body'):
        """Clicks the button or link of that text or label."""
        quoted, place = json.dumps(text), json.dumps(within)
        self.wait(f'''(() => {{ document.querySelectorAll("[data-test]").forEach((e) => e.removeAttribute("data-test"));
            const found = [...document.querySelectorAll({place} + " button, " + {place} + " a.button")].find((b) =>
              b.getClientRects().length && (b.innerText.trim() === {quoted} || b.ariaLabel === {quoted}));
            found?.setAttribute("data-test", ""); return !!found; }})()''', f'a button "{text}"')
        self.page.click('[data-test]')

    def fill(self, name, text):
        self.run_js(f'(() => {{ const e = document.querySelector("dialog [name={name}]"); e.focus(); e.select?.(); }})()')
        self.page.type(text)

    def file(self, name, size):
        """A real file of bytes that do not repeat, and its hash."""
        path, digest = os.path.join(self.dir, name), hashlib.sha256()
        with open(path, 'wb') as out:
            for number in range(0, size, 32):
                block = hashlib.sha256(f'{name} {number}'.encode()).digest()[:size - number]
                out.write(block)
                digest.update(block)
        return path, digest.hexdigest()

    def stored_hash(self, path, deadline=120):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            data = self.server.get(path)
            if data is not None:
                return hashlib.sha256(data).hexdigest()
            time.sleep(0.1)
        return None

    def shot(self, name):
        if SHOTS:
            os.makedirs(SHOTS, exist_ok=True)
            time.sleep(0.15)  # a frame or two, so that the picture is of what the test has seen
            self.page.screenshot(os.path.join(SHOTS, name + '.png'))


def main():
    if not browser.find():
        print(f'none of {", ".join(browser.NAMES)} is installed: skipped (examples/packages.sh: CONSOLE_PACKAGES)')
        sys.exit(SKIPPED)
    result = unittest.main(module='__main__', argv=[sys.argv[0], *sys.argv[3:]], exit=False, verbosity=1).result
    bad = len({str(test) for test, _ in result.failures + result.errors})
    print(f'{result.testsRun - bad - len(result.skipped)} passed, {bad} failed')
    sys.exit(1 if bad or result.testsRun == 0 else 0)
