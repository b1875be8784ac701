# SPDX-License-Identifier: Apache-2.0
"""A random walk against a dict. The store lives in a forked worker, so that it can be killed at any time; what it said was
done must be there afterwards, and what it had not answered may or may not be."""
import os
import pickle
import shutil
import signal
import struct
import tempfile
import traceback

import jzse
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

paths = st.sampled_from(['a', 'b', 'd/a', 'd/b', 'd/e/a', 'ü/x', 'f g'])
contents = st.one_of(st.binary(max_size=20), st.sampled_from([b'x' * 4096, b'y' * 70_000, bytes(range(256)) * 1200]))


class Worker:
    """A process that has the store open and does what it is told."""

    def __init__(self, folder):
        to_child, self.requests = os.pipe()
        self.answers, to_parent = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.requests)
                os.close(self.answers)
                serve(folder, to_child, to_parent)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(to_child)
        os.close(to_parent)
        self.call('ready')

    def send(self, name, *arguments):
        send_message(self.requests, (name, arguments))

    def call(self, name, *arguments):
        self.send(name, *arguments)
        answer = read_message(self.answers)
        assert answer is not None, f'the worker died in {name}'
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    def end(self, name=None):
        """Closes the store, or kills the process in the middle of whatever it does."""
        if name:
            self.call(name)
        else:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.requests)
        os.close(self.answers)


def send_message(fd, message):
    raw = pickle.dumps(message)
    raw = struct.pack('<I', len(raw)) + raw
    while raw:
        raw = raw[os.write(fd, raw):]


def read_message(fd):
    def exactly(n):
        raw = b''
        while len(raw) < n:
            piece = os.read(fd, n - len(raw))
            if not piece:
                return None
            raw += piece
        return raw
    head = exactly(4)
    return None if head is None else pickle.loads(exactly(struct.unpack('<I', head)[0]))


def serve(folder, requests, answers):
    try:
        store = jzse.open(folder, create=True)
    except Exception as error:
        send_message(answers, [error])
        return
    files = store['default']

    def write_file(path, data, mode):
        with files.open(path, mode, buffering=1000) as file:
            for at in range(0, len(data), 777 if len(data) < 5000 else 50_000):
                file.write(data[at:at + (777 if len(data) < 5000 else 50_000)])

    def group(changes):
        with files.group() as gathered:
            for path, data in changes:
                gathered[path] = data

    commands = {
        'ready': lambda: True, 'write_file': write_file, 'group': group, 'put': lambda *a: files.put(*a).size,
        'get': lambda path: files[path], 'delete': files.delete, 'contents': lambda: dict(files.items()),
        'move': files.move, 'copy': lambda *a: files.copy(*a).size, 'length': lambda: len(files),
        'read_file': lambda path: files.open(path, 'rb', buffering=100).read(), 'verify': lambda: store.verify().problems,
        'feed': lambda: replay(store), 'has': lambda path: path in files, 'close': store.close,
        'compact': lambda: store.compact(full=True).segments,
    }
    while (request := read_message(requests)) is not None:
        try:
            answer = commands[request[0]](*request[1])
        except Exception as error:
            answer = error
        send_message(answers, [answer])
        if request[0] == 'close':
            os._exit(0)


def replay(store):
    """Which paths are live, from the change feed alone."""
    live = set()
    for change in store.changes('default'):
        if change.type == 'put':
            live.add(change.path)
        elif change.type == 'delete':
            live.discard(change.path)
        elif change.type == 'move':
            live.discard(change.old_path)
            live.add(change.path)
    return live


class Store(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.mkdtemp(prefix='jzse-model-')
        self.model = {}
        self.worker = Worker(os.path.join(self.folder, 's'))

    def teardown(self):
        if hasattr(self, 'worker'):
            try:
                assert self.worker.call('verify') == 0
                assert self.worker.call('feed') == set(self.model)
            finally:
                self.worker.end()
                shutil.rmtree(self.folder)

    @rule(path=paths, data=contents, how=st.sampled_from(['put', 'wb', 'ab', 'group']))
    def write(self, path, data, how):
        if how == 'put':
            assert self.worker.call('put', path, data) == len(data)
        elif how == 'group':
            self.worker.call('group', [(path, b'first'), ('g', data), (path, data)])
            self.model['g'] = data
        else:
            self.worker.call('write_file', path, data, how)
        self.model[path] = self.model.get(path, b'') + data if how == 'ab' else data

    @rule(path=paths)
    def read(self, path):
        for how in ('get', 'read_file'):
            try:
                found = self.worker.call(how, path)
            except FileNotFoundError:
                found = None
            assert found == self.model.get(path)
        assert self.worker.call('has', path) == (path in self.model)

    @rule(path=paths)
    def delete(self, path):
        try:
            self.worker.call('delete', path)
            found = True
        except KeyError:
            found = False
        assert found == (path in self.model)
        self.model.pop(path, None)

    @rule(path=paths, to=paths, how=st.sampled_from(['move', 'copy']))
    def transfer(self, path, to, how):
        if path == to:
            return
        try:
            self.worker.call(how, path, to)
        except jzse.NotFoundError:
            assert path not in self.model
            return
        self.model[to] = self.model[path]
        if how == 'move':
            del self.model[path]

    @rule()
    def reopen(self):
        self.worker.end('close')
        self.worker = Worker(os.path.join(self.folder, 's'))

    @rule()
    def kill(self):
        self.worker.end()
        self.worker = Worker(os.path.join(self.folder, 's'))

    @rule(path=paths, data=contents, how=st.sampled_from(['put', 'write_file', 'delete']))
    def kill_in_mid_call(self, path, data, how):
        arguments = {'put': (path, data), 'write_file': (path, data, 'wb'), 'delete': (path,)}[how]
        self.worker.send(how, *arguments)
        self.worker.end()
        self.worker = Worker(os.path.join(self.folder, 's'))
        after = dict(self.model)
        if how == 'delete':
            after.pop(path, None)
        else:
            after[path] = data
        found = self.worker.call('contents')
        assert found in (self.model, after)
        self.model = found

    @rule()
    def compact(self):
        self.worker.call('compact')

    @precondition(lambda self: hasattr(self, 'model'))
    @invariant()
    def same(self):
        assert self.worker.call('contents') == self.model
        assert self.worker.call('length') == len(self.model)


# The ordinary run tries the same examples each time; with a larger budget each run has examples of its own.
budget = float(os.environ.get('JZSE_PROP_BUDGET', '1'))
Store.TestCase.settings = settings(
    max_examples=max(5, int(25 * budget)), stateful_step_count=25, deadline=None, derandomize=budget <= 1,
    print_blob=True, suppress_health_check=list(HealthCheck), database=None)
TestStore = Store.TestCase
