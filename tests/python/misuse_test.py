# SPDX-License-Identifier: Apache-2.0
"""Wrong types, closed handles, threads that close under each other, forks, exits in mid-call: a clear exception, never a
crash. CI runs this under AddressSanitizer too."""
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import jzse
import numpy
import pytest


def run(source, *arguments):
    return subprocess.run([sys.executable, '-X', 'faulthandler', '-c', textwrap.dedent(source), *map(str, arguments)],
                          capture_output=True, text=True, timeout=400)


@pytest.mark.parametrize('path', [None, 5, b'bytes', bytearray(b'x'), object(), ['a']])
def test_wrong_types_of_paths(files, path):
    for use in (lambda: files[path], lambda: files.put(path, b''), lambda: files.delete(path),
                lambda: files.open(path), lambda: files.open(path, 'w'), lambda: files.versions(path)):
        with pytest.raises(TypeError, match='path must be str'):
            use()


def test_wrong_types_of_data(files):
    for data in ('text', 5, None, [1], object()):
        with pytest.raises(TypeError, match='bytes-like'):
            files['a'] = data
    for data in (memoryview(b'abcdef')[::2], numpy.zeros((4, 4))[:, 1]):
        with pytest.raises((TypeError, ValueError, BufferError)):
            files['a'] = data
    for target in (b'read-only', 'x', 5, memoryview(bytearray(6))[::2]):
        files['a'] = b'1'
        with pytest.raises((TypeError, ValueError, BufferError)):
            files.read_into('a', target)
    with pytest.raises((TypeError, OverflowError)):
        files.read('a', version=-1)
    with pytest.raises((TypeError, OverflowError)):
        files.list(limit='x')
    with pytest.raises(TypeError):
        files.put('a', b'', metadata={1: 'x'})
    with pytest.raises(UnicodeEncodeError):
        files['\ud800'] = b''
    with pytest.raises(TypeError):
        jzse.open(5)


def test_everything_after_close(tmp_path):
    store = jzse.open(tmp_path / 's', create=True)
    files = store['default']
    files['a'] = b'1' * 100
    reader, writer, listing = files.open('a', 'rb', buffering=0), files.open('b', 'wb'), files.list()
    text = files.open('c', 'w')
    feed, snapshot, group, iterator = store.changes(), store.snapshot(), store.group(), iter(files)
    then = snapshot['default']
    next(iterator)
    writer.write(b'x')
    text.write('x')
    store.close()
    store.close()
    for use in (lambda: files['a'], lambda: files.put('a', b''), lambda: files.view('a'), lambda: reader.read(),
                lambda: writer.flush(), lambda: next(listing), lambda: feed.next(), lambda: then['a'],
                lambda: list(then), lambda: group.put('a', b''), lambda: group.commit(), lambda: store.stats(),
                lambda: store.region, lambda: store.snapshot(), lambda: 'default' in store, lambda: store['default'],
                lambda: next(iterator), lambda: files.open('a'), lambda: files.open('a', 'w'), lambda: store.verify(),
                lambda: store.changes(), lambda: list(store), lambda: text.close(), lambda: files.metadata('a'),
                lambda: files.stat('a'), lambda: 'a' in files, lambda: files.export(1)):
        with pytest.raises(jzse.ClosedError):
            use()
    writer.raw.discard()
    with jzse.open(tmp_path / 's') as store:
        assert list(store['default']) == ['a']


def test_closing_while_threads_are_inside(tmp_path):
    """Threads use every kind of handle while the store closes under them: each ends with ClosedError."""
    for round in range(5):
        store = jzse.open(tmp_path / f's{round}', create=True)
        files = store['default']
        files['a'] = os.urandom(200_000)
        ends = []

        def loop(use):
            try:
                while True:
                    use()
            except BaseException as error:
                ends.append(error)

        def scan():
            for _ in files.list():
                pass

        def read_file():
            with files.open('a', 'rb') as file:
                file.read()

        def write_file():
            with files.open('b', 'wb') as file:
                file.write(b'x' * 300_000)

        def read_snapshot():
            with store.snapshot() as snapshot:
                snapshot['default']['a']

        uses = [lambda: files['a'], lambda: files.put('c', b'1'), scan, read_file, write_file, read_snapshot,
                lambda: files.metadata('a'), lambda: store.changes().next(0.01), store.changes(follow=True).next]
        # Daemons: if the store could not be closed they would go on, and Python waits for others at its exit.
        threads = [threading.Thread(target=loop, args=(use,), daemon=True) for use in uses]
        for thread in threads:
            thread.start()
        time.sleep(0.05 * round)
        store.close()
        for thread in threads:
            thread.join(200)
            assert not thread.is_alive()
        assert {type(error) for error in ends} == {jzse.ClosedError}, ends
        with jzse.open(tmp_path / f's{round}') as store:
            store.verify()


class Slowly:
    """The library, one function of which says when it is called and waits before it goes on."""

    def __init__(self, library, name):
        self.library, self.name = library, name
        self.called, self.go_on = threading.Event(), threading.Event()

    def __getattr__(self, name):
        function = getattr(self.library, name)
        if name != self.name:
            return function

        def slow(*arguments):
            self.called.set()
            assert self.go_on.wait(200)
            return function(*arguments)
        return slow


def test_closing_waits_for_a_snapshot_that_is_just_released(tmp_path, monkeypatch):
    store = jzse.open(tmp_path / 's', create=True)
    slowly = Slowly(jzse.snapshot.lib, 'jzse_py_snapshot_close')
    monkeypatch.setattr(jzse.snapshot, 'lib', slowly)
    snapshot = store.snapshot()
    releasing = threading.Thread(target=snapshot.close, daemon=True)
    releasing.start()
    assert slowly.called.wait(200)
    threading.Timer(0.2, slowly.go_on.set).start()
    store.close()
    releasing.join(200)
    assert store.closed and not releasing.is_alive()


def test_closing_waits_for_what_the_garbage_collector_releases(tmp_path, monkeypatch):
    """It clears weak references before it runs finalisers, so nobody could look the listing up any more."""
    store = jzse.open(tmp_path / 's', create=True)
    slowly = Slowly(jzse.listing.lib, 'jzse_py_list_close')
    monkeypatch.setattr(jzse.listing, 'lib', slowly)
    listing = store['default'].list()
    listing.itself = listing
    del listing
    collecting = threading.Thread(target=gc.collect, daemon=True)
    collecting.start()
    assert slowly.called.wait(200)
    threading.Timer(0.2, slowly.go_on.set).start()
    store.close()
    collecting.join(200)
    assert store.closed and not collecting.is_alive()


@pytest.mark.filterwarnings('ignore:the store:ResourceWarning')
def test_a_store_that_is_garbage_together_with_its_handles(tmp_path):
    for _ in range(3):
        store = jzse.open(tmp_path / 's', create=True)
        files = store['default']
        files['a'] = b'1'
        cycle = [store.snapshot(), files.list(), files.open('a', 'rb'), store.changes(), store, store.group(),
                 files.open('b', 'wb').detach(), jzse.AsyncStore(store), store.snapshot()]
        cycle[-3].discard()
        cycle.append(cycle)
        del store, files, cycle
        gc.collect()


def test_one_handle_in_many_threads(files):
    files['a'] = bytes(range(256)) * 4000
    reader, wrong = files.open('a', 'rb', buffering=0), []

    def read():
        buffer = bytearray(256)
        for i in range(200):
            reader.readinto_at(256 * i, buffer)
            if buffer != bytes(range(256)):
                wrong.append(i)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_closing_from_a_callback(store, files):
    files['a'] = b'1'
    with pytest.raises(jzse.BusyError):
        store.verify(progress=lambda done, total: store.close())
    assert files['a'] == b'1'


@pytest.mark.parametrize('use', [
    "files['a'] = b'1'", "files.open('a', 'rb').read()", "snapshot['default']['a']", "list(snapshot['default'])",
    "store.snapshot().close()", "group = store.group(); group['b'] = b'1'; group.commit()",
    "file = files.open('b', 'wb'); file.write(b'1'); file.close()"])
def test_closing_from_a_signal_handler(tmp_path, use):
    """Whatever it interrupts: no crash, no wait for itself, no handle lost."""
    done = run('''
        import jzse, os, signal, sys, threading, time
        for round in range(8):
            store = jzse.open(sys.argv[1], create=True)
            files = store['default']
            files['a'] = b'1'
            snapshot = store.snapshot()
            fired = []  # what the handler raises inside a finaliser ends there
            signal.signal(signal.SIGALRM, lambda *_: (fired.append(1), store.close()))
            signal.setitimer(signal.ITIMER_REAL, 0.005 + 0.0017 * round)
            try:
                while not fired:
                    {use}
            except jzse.ClosedError:
                pass
            except jzse.BusyError as error:
                if 'inside a call' not in str(error):
                    raise
            store.close()
            store.close()
        print('closed')
    '''.replace('{use}', use), tmp_path / 's')
    assert done.stdout.strip() == 'closed' and done.returncode == 0, done


def test_ctrl_c_ends_a_wait(tmp_path):
    done = run('''
        import jzse, os, signal, sys, threading
        with jzse.open(sys.argv[1], create=True) as store:
            try:
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                store.changes(follow=True).next()
            except KeyboardInterrupt:
                print('interrupted')
    ''', tmp_path / 's')
    assert done.stdout.strip() == 'interrupted' and done.returncode == 0, done


def test_a_forked_child(store, files):
    files['a'] = b'1'
    reader, feed, listing, group, snapshot = (files.open('a', 'rb'), store.changes(), files.list(), store.group(),
                                              store.snapshot())
    writer = files.open('w', 'wb')
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        said = []
        for use in (lambda: files['a'], lambda: reader.read(), lambda: feed.next(0), lambda: next(listing),
                    lambda: group.put('a', b''), lambda: snapshot['default'], lambda: store.stats(),
                    lambda: writer.raw.write(b'x')):
            try:
                use()
                said.append('no exception')
            except jzse.ClosedError as error:
                if 'parent' not in str(error):
                    said.append(str(error))
            except BaseException as error:
                said.append(repr(error))
        store.close()
        for handle in (reader, feed, group, snapshot):
            handle.abort() if handle is group else handle.close()
        os.write(into, repr(said).encode())
        os._exit(0)
    os.close(into)
    with open(out, 'rb') as file:
        assert file.read() == b'[]'
    assert os.waitpid(child, 0)[1] == 0
    assert files['a'] == b'1' and reader.read() == b'1' and next(listing).path == 'a'
    writer.raw.discard()
    writer.close()


EXIT_IN_MID_CALL = '''
    import jzse, os, sys, threading, time
    store = jzse.open(sys.argv[1], create=True)
    files = store['default']
    files['a'] = b'x' * 1_000_000
    def loop(use):
        try:
            while True:
                use()
        except jzse.ClosedError:
            pass  # printed at the exit, it could hold the lock of stderr for ever, which Python calls fatal
    def write():
        with files.open('b', 'wb') as file:
            file.write(b'y' * 1_000_000)
    for use in (lambda: files['a'], lambda: files.put('c', b'1'), write, store.changes(follow=True).next,
                lambda: list(files.list()), lambda: store.verify(progress=lambda *_: False)):
        threading.Thread(target=loop, args=(use,), daemon=True).start()
    time.sleep(0.2)
    {end}
'''


@pytest.mark.parametrize('end, code', [('pass', 0), ('sys.exit(3)', 3), ('os._exit(4)', 4), ('1 / 0', 1),
                                       ('os.kill(os.getpid(), 9)', -signal.SIGKILL)])
def test_exit_in_mid_call(tmp_path, end, code):
    done = run(EXIT_IN_MID_CALL.replace('{end}', end), tmp_path / 's')
    assert done.returncode == code, done.stderr[-3000:]
    assert 'Fatal' not in done.stderr and 'Sanitizer' not in done.stderr
    with jzse.open(tmp_path / 's') as store:
        assert store['default']['a'] == b'x' * 1_000_000
        store.verify()


def test_forgotten_handles_are_released(tmp_path):
    with pytest.warns(ResourceWarning, match='not closed'):
        store = jzse.open(tmp_path / 's', create=True)
        files = store['default']
        files['a'] = b'1'
        files.list(), files.open('a', 'rb'), store.changes(), store.snapshot(), store.group()
        del store, files
        gc.collect()
    with jzse.open(tmp_path / 's') as store:
        assert store['default']['a'] == b'1'


def test_puts_of_threads_overlap(store, files):
    """Not how fast, but that they do: eight threads' puts share commit groups, which they could not behind the GIL. Where a sync costs nothing
    it can take many puts until two meet."""
    def put(t, barrier):
        barrier.wait()
        for i in range(50):
            files[f'{t}/{i}'] = b'x' * 4096
    end = time.monotonic() + 200
    while True:
        before = store.stats()
        barrier = threading.Barrier(8)
        threads = [threading.Thread(target=put, args=(t, barrier)) for t in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = store.stats()
        assert after.changes - before.changes == 400
        if after.commits - before.commits < 400:
            break
        assert time.monotonic() < end, 'no two of them met'
