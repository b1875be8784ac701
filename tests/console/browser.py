# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium over its DevTools protocol, with nothing but the standard library: the protocol's pipe (messages between NULs on
descriptors 3 and 4) needs no WebSocket."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')


def find():
    """The browser's program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class BrowserError(Exception):
    pass


class Browser:
    """A browser with one page. Everything waits, with a deadline; what a page writes to its console as an error, and what it
    throws, is kept in `errors`; what it asks for in `requests`."""

    def __init__(self, program, deadline=180):
        self.deadline, self.errors, self.requests, self.number = deadline, [], [], 0
        self.profile = tempfile.mkdtemp(prefix='jzse-browser-')
        to_browser, self.out = os.pipe()
        self.inn, from_browser = os.pipe()

        def descriptors():
            low, high = os.dup(to_browser), os.dup(from_browser)  # above 4, whatever they were
            os.dup2(low, 3)
            os.dup2(high, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)
        self.process = subprocess.Popen(
            [program, '--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--disable-extensions', '--disable-sync', '--hide-scrollbars',
             '--lang=en-US', '--font-render-hinting=none', f'--user-data-dir={self.profile}', 'about:blank'],
            preexec_fn=descriptors, close_fds=False, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, 'TZ': 'UTC', 'HOME': self.profile})
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.session, self.events = b'', None, []
        target = next(t for t in self.call('Target.getTargets')['targetInfos'] if t['type'] == 'page')
        self.session = self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network', 'DOM', 'Accessibility'):
            self.call(domain + '.enable')

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.out)
        os.close(self.inn)
        shutil.rmtree(self.profile, ignore_errors=True)

    # ------------------------------------------------------------------------------------------- protocol
    def call(self, method, **params):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        end = time.monotonic() + self.deadline
        while True:
            answer = self.receive(end)
            if answer is None:
                raise BrowserError(f'{method}: no answer')
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise BrowserError(f'{method}: {answer["error"]["message"]}')
                return answer['result']

    def receive(self, end):
        """The next message; events are noted on the way. None when the time is over."""
        while b'\0' not in self.buffer:
            ready, _, _ = select.select([self.inn], [], [], max(0, end - time.monotonic()))
            data = os.read(self.inn, 1 << 20) if ready else b''
            if not data:
                return None
            self.buffer += data
        text, self.buffer = self.buffer.split(b'\0', 1)
        message = json.loads(text)
        self.note(message)
        return message

    def note(self, message):
        method, params = message.get('method'), message.get('params', {})
        if method == 'Runtime.exceptionThrown':
            details = params['exceptionDetails']
            self.errors.append(details.get('exception', {}).get('description') or details['text'])
        elif method == 'Log.entryAdded' and params['entry']['level'] == 'error':
            self.errors.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == 'Runtime.consoleAPICalled' and params['type'] in ('error', 'assert'):
            self.errors.append(' '.join(str(a.get('value', a.get('description'))) for a in params['args']))
        elif method == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])
        elif method == 'Page.javascriptDialogOpening':
            self.errors.append('a dialog of the browser: ' + params['message'])

    # ------------------------------------------------------------------------------------------------ page
    def go(self, url):
        self.call('Page.navigate', url=url)
        self.wait('document.readyState === "complete"')

    def run(self, expression):
        """The value of a JavaScript expression; promises are waited for."""
        result = self.call('Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in result:
            details = result['exceptionDetails']
            raise BrowserError(details.get('exception', {}).get('description') or details['text'])
        return result['result'].get('value')

    def wait(self, expression, what=None):
        """Until the expression is true; its value. An exception in it counts as not yet."""
        end, last = time.monotonic() + self.deadline, None
        while time.monotonic() < end:
            try:
                last = self.run(f'(async () => {{ const v = await ({expression}); return v instanceof Node ? true : v; }})()')
                if last:
                    return last
            except BrowserError as error:
                last = error
            time.sleep(0.05)
        raise BrowserError(f'waited in vain for {what or expression}: {last}')

    def click(self, selector):
        """As a mouse does it: in the middle of what is there, after it has been scrolled to."""
        quoted = json.dumps(selector)
        self.wait(f'document.querySelector({quoted})', selector)
        x, y = self.run(f'''(() => {{ const e = document.querySelector({quoted}); e.scrollIntoView({{block: "center"}});
            const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()''')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def key(self, key, text=None):
        code = {'Enter': 13, 'Escape': 27, 'Backspace': 8, 'Delete': 46, 'ArrowUp': 38, 'ArrowDown': 40, 'Tab': 9, ' ': 32}.get(key, 0)
        text = text or {'Enter': '\r', ' ': ' '}.get(key, key if len(key) == 1 else None)
        common = {'key': key, 'windowsVirtualKeyCode': code, 'code': key if len(key) > 1 else ''}
        self.call('Input.dispatchKeyEvent', type='keyDown', **common, **({'text': text} if text else {}))
        self.call('Input.dispatchKeyEvent', type='keyUp', **common)

    def type(self, text):
        self.call('Input.insertText', text=text)

    def choose_files(self, selector, paths):
        """As the file picker does it."""
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)['nodeId']
        self.call('DOM.setFileInputFiles', nodeId=node, files=paths)

    def drop(self, selector, paths):
        """Files dragged from outside onto an element."""
        quoted = json.dumps(selector)
        x, y = self.run(f'(() => {{ const r = document.querySelector({quoted}).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()')
        data = {'items': [], 'files': paths, 'dragOperationsMask': 1}
        for kind in ('dragEnter', 'dragOver', 'drop'):
            self.call('Input.dispatchDragEvent', type=kind, x=x, y=y, data=data)

    def window(self, width, height, phone=False, dark=False):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call('Emulation.setTouchEmulationEnabled', enabled=phone)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'},
                                                          {'name': 'prefers-reduced-motion', 'value': 'reduce'}])

    def screenshot(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.captureScreenshot', format='png')['data']))

    def offline(self, off):
        self.call('Network.emulateNetworkConditions', offline=off, latency=0, downloadThroughput=-1, uploadThroughput=-1)

    def slow(self, bytes_a_second):
        self.call('Network.emulateNetworkConditions', offline=False, latency=1, downloadThroughput=-1, uploadThroughput=bytes_a_second)

    def accessibility(self):
        """What is exposed to assistive technology: [(role, name)] of what is not ignored."""
        nodes = self.call('Accessibility.getFullAXTree')['nodes']
        return [(n['role']['value'], n.get('name', {}).get('value', '')) for n in nodes if not n.get('ignored') and 'role' in n]
