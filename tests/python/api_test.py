# SPDX-License-Identifier: Apache-2.0
"""What the package promises, call by call."""
import asyncio
import io
import logging
import os
import pathlib
import pickle
import threading

import jzse
import numpy
import pytest
from jzse._native import ffi, lib


def test_every_code_has_its_exception():
    names = {lib.__dict__[n] if n in getattr(lib, '__dict__', {}) else getattr(lib, n): n for n in dir(lib)
             if n.startswith('JZSE_') and isinstance(getattr(lib, n), int) and getattr(lib, n) < 0}
    assert {code: kind.code_name for code, kind in jzse.errors.BY_CODE.items()} == names and len(names) == 16
    for code, kind in jzse.errors.BY_CODE.items():
        assert ffi.string(lib.jzse_code_name(code)).decode() == kind.code_name
        error = pickle.loads(pickle.dumps(kind('what happened')))
        assert type(error) is kind and str(error) == 'what happened' and isinstance(error, jzse.Error)


def test_exceptions_are_pythons_too(files, tmp_path):
    for builtin in (FileNotFoundError, KeyError, jzse.NotFoundError):
        with pytest.raises(builtin, match='a/b'):
            files['a/b']
    files['a'] = b'1'
    with pytest.raises(FileExistsError):
        files['a/b'] = b'a file where a directory is needed'
    with pytest.raises(FileExistsError):
        files.open('a', 'x')
    with pytest.raises(FileNotFoundError):
        jzse.open(tmp_path / 'nothing')
    with pytest.raises(jzse.LockedError):
        jzse.open(tmp_path / 'store')
    with pytest.raises(ValueError, match='NUL'):
        files['a\0b']
    with pytest.raises(jzse.InvalidError):
        files['a//b'] = b''


def test_read_only(tmp_path):
    with jzse.open(tmp_path / 's', create=True) as store:
        store['default']['a'] = b'1'
    with jzse.open(tmp_path / 's', read_only=True) as store:
        assert store['default']['a'] == b'1'
        with pytest.raises(PermissionError):
            store['default']['a'] = b'2'


def test_structs_and_tuples_agree():
    def fields(kind, *without):
        return [n for n, _ in ffi.typeof(kind).fields if n not in ('struct_size', 'reserved', *without)]
    assert fields('jzse_stats') == list(jzse.Stats._fields)
    assert sorted(fields('jzse_namespace_config')) == sorted(jzse.NamespaceConfig._fields)
    assert fields('jzse_namespace_info') == list(jzse.NamespaceInfo._fields)
    for kind in (jzse.VerifyReport, jzse.CompactReport, jzse.ArchiveReport):
        name = 'jzse_' + kind.__name__.replace('Report', '').lower() + '_report'
        assert fields(name) == list(kind._fields)
    assert len(fields('jzse_file_info')) == len(jzse.FileInfo._fields)  # file id is one, path is added


def test_mapping(files):
    files['b'] = b'2'
    files['a/x'] = bytearray(b'1')
    files.mkdir('empty')
    assert list(files) == ['a/x', 'b'] and len(files) == 2
    assert dict(files.items()) == {'a/x': b'1', 'b': b'2'}
    assert 'b' in files and 'a' not in files and 'empty' not in files and '' not in files and 'a//x' not in files
    assert files.get('none') is None and files.get('none', b'x') == b'x'
    assert files.pop('b') == b'2' and 'b' not in files
    assert files[pathlib.PurePosixPath('a/x')] == b'1'
    with pytest.raises(KeyError):
        del files['b']


def test_namespaces(store):
    assert list(store) == ['default'] and 'default' in store and 'x' not in store and 5 not in store
    with pytest.raises(KeyError):
        store['x']
    keys = store.create_namespace('x', kind='keys', versions_max=2, compression=3)
    assert keys.config.kind == 'keys' and keys.config.versions_max == 2 and keys.config.compression == 3
    assert store.create_namespace('x', exist_ok=True).config == keys.config
    with pytest.raises(jzse.ExistsError):
        store.create_namespace('x')
    keys['a//b'] = b'any name'
    assert keys.configure(quota_files=1).quota_files == 1
    with pytest.raises(jzse.QuotaError):
        keys['second'] = b''
    with pytest.raises(TypeError, match='wings'):
        keys.configure(wings=2)
    assert [n.name for n in store.namespaces()] == ['default', 'x']
    store.drop_namespace('x')
    assert list(store) == ['default']


@pytest.mark.parametrize('size', [0, 1, 2, 4096, 65536, 65537, 3_000_001])
def test_contents_in_and_out_without_copies(files, size):
    array = numpy.random.default_rng(size).integers(0, 256, size, numpy.uint8)
    info = files.put('a', array)
    assert info.size == size and files.stat('a') == info
    assert files['a'] == array.tobytes()
    view = files.view('a')
    assert view.readonly and view == array.data
    assert (numpy.frombuffer(view, numpy.uint8) == array).all() if size else len(view) == 0
    into = numpy.zeros(size + 10, numpy.uint8)
    assert files.read_into('a', into) == size and (into[:size] == array).all()
    if size > 2:
        assert files.read_into('a', memoryview(into)[:2], offset=size - 2) == 2 and (into[:2] == array[-2:]).all()
    files['b'] = memoryview(array)
    assert files.stat('b').etag == info.etag
    with files.open('a', 'rb') as file:
        assert file.read() == array.tobytes() and file.read() == b''


def test_a_view_outlives_the_store(tmp_path):
    with jzse.open(tmp_path / 's', create=True) as store:
        store['default']['a'] = b'x' * 100_000
        view = store['default'].view('a')
    assert view == b'x' * 100_000


def test_reading_a_file_object(files):
    data = os.urandom(1_000_000)
    files['a'] = data
    with files.open('a', 'rb') as file:
        assert isinstance(file, io.BufferedReader) and isinstance(file.raw, io.RawIOBase)
        plain = io.BytesIO(data)
        for step in ((5, 0), (-10, 2), (100_000, 0), (17, 1), (0, 2), (999_999, 0), (2_000_000, 0)):
            assert file.seek(*step) == plain.seek(*step)
            assert file.read(70_000) == plain.read(70_000) and file.tell() == plain.tell()
        files['a'] = b'new'  # the reader holds its version
        file.seek(0)
        assert file.read() == data
        with pytest.raises(ValueError):
            file.raw.seek(-1)
    with files.open('a', 'rb', buffering=0) as raw:
        assert raw.readinto(bytearray(2)) == 2 and raw.read(10) == b'w' and not raw.writable() and raw.seekable()
    with pytest.raises(ValueError):
        raw.read()


def test_text(files):
    with files.open('a', 'w', newline='') as file:
        file.write('é\r\nzwei\n')
    assert files['a'] == 'é\r\nzwei\n'.encode()
    assert list(files.open('a')) == ['é\n', 'zwei\n']
    with files.open('a', 'a', encoding='utf-8') as file:
        file.write('three')
    assert files.open('a').read().endswith('three')
    with files.open('x', 'x') as file:
        file.write('1')
    for mode in ('rw', 'r+', '', 'bt', 'rbt'):
        with pytest.raises(ValueError):
            files.open('a', mode)


def test_a_writer_is_all_or_nothing(files):
    files['a'] = b'old'
    for mode in ('wb', 'w', 'ab'):
        with pytest.raises(ZeroDivisionError):
            with files.open('a', mode) as file:
                file.write('new' if mode == 'w' else b'new')
                1 / 0
        assert files['a'] == b'old'
    file = files.open('a', 'wb')
    file.write(b'forgotten')
    with pytest.warns(ResourceWarning):
        del file
    assert files['a'] == b'old'
    with files.open('a', 'wb', content_type='text/plain', metadata={'k': 'v'}) as file:
        file.write(b'new')
        assert files['a'] == b'old' and file.tell() == 3
    assert files['a'] == b'new' and file.raw.info.etag == files.stat('a').etag
    assert files.metadata('a') == ('text/plain', {'k': 'v'})


def test_appending_notices_another_writer(files):
    files['a'] = b'1'
    file = files.open('a', 'ab')
    files['a'] = b'2'
    with pytest.raises(jzse.PreconditionError):
        file.close()
    first, second = files.open('b', 'xb'), files.open('b', 'xb')
    first.close()
    with pytest.raises(FileExistsError):
        second.close()


def test_conditional_writes_and_versions(files):
    first = files.put('a', b'1', if_none_match='*')
    with pytest.raises(jzse.PreconditionError):
        files.put('a', b'2', if_none_match='*')
    files.put('a', b'2', if_match=first.etag, mode=0o640, mtime_ns=10**18, content_type='x/y', metadata={'ä': 'ö'})
    assert files.stat('a').mode == 0o640 and files.stat('a').mtime.year == 2001
    assert files.metadata('a') == ('x/y', {'ä': 'ö'})
    with pytest.raises(jzse.PreconditionError):
        files.put('a', b'3', if_match=first.etag)
    versions = [v.version for v in files.versions('a')]
    assert len(versions) == 2 and versions[-1] == first.version
    assert files.read('a', version=first.version) == b'1' and files.view('a', version=first.version) == b'1'
    assert files.open('a', 'rb', version=first.version).read() == b'1'
    assert files.stat('a', version=first.version).etag == first.etag
    with pytest.raises(jzse.PreconditionError):
        files.delete('a', if_match=first.etag)
    files.delete('a')
    assert [v.kind for v in files.versions('a')] == ['deleted', 'file', 'file']
    assert [f.kind for f in files.list(deleted=True)] == ['deleted'] and list(files.list()) == []
    files.restore('a', first.version)
    assert files['a'] == b'1'
    files.delete_version('a', versions[0])
    assert versions[0] not in [v.version for v in files.versions('a')]
    files.set_metadata('a', content_type='z/z')
    assert files.metadata('a').content_type == 'z/z' and files['a'] == b'1'


def test_listings(files):
    with files.group() as group:
        for i in range(1000):
            group[f'd{i % 10}/{i:04}'] = b'%d' % i
    assert [f.path for f in files.list(delimiter='/')] == [f'd{i}/' for i in range(10)]
    assert {f.kind for f in files.list(delimiter='/')} == {'prefix'}
    assert [f.path for f in files.list('d3/', limit=2, start_after='d3/0013')] == ['d3/0023', 'd3/0033']
    listing = files.list()
    first = next(listing)
    files.delete('d9', recursive=True)
    assert first.path == 'd0/0000' and len(list(listing)) == 999 and list(listing) == []
    with files.list() as listing:
        next(listing)
    assert list(listing) == []


def test_tree_changes(files):
    files['a/b'] = b'1'
    files.copy('a/b', 'c')
    with pytest.raises(FileExistsError):
        files.copy('a/b', 'c', replace=False)
    files.move('a', 'z')
    files.mkdir('empty')
    assert sorted(f.path for f in files.list()) == ['c', 'empty', 'z/b'] and files.stat('z').kind == 'directory'
    with pytest.raises(FileExistsError):
        files.delete('z')
    files.put('link', b'z/b', kind='symlink')
    assert files.stat('link').kind == 'symlink'


def test_groups(store, files):
    other = store.create_namespace('other')
    with store.group() as group:
        group['a'] = b'1'
        group.put('b', b'2', namespace='other', content_type='t/t')
        group.move('a', 'c')
        group.copy('c', 'd')
        group.mkdir('dir')
        assert not files.exists('c')
    assert files['c'] == files['d'] == b'1' and other['b'] == b'2' and other.metadata('b').content_type == 't/t'
    with pytest.raises(ZeroDivisionError):
        with files.group() as group:
            del group['c']
            1 / 0
    assert 'c' in files
    with pytest.raises(jzse.ClosedError):
        group['x'] = b''
    with pytest.raises(jzse.NotFoundError):
        with files.group() as group:
            group['x'] = b''
            group.delete('nothing')
    assert 'x' not in files


def test_snapshots(store, files):
    files['a'] = b'1'
    with store.snapshot() as snapshot:
        then = snapshot['default']
        files['a'], files['b'] = b'22', b'2'
        assert then['a'] == b'1' and list(then) == ['a'] and 'b' not in then and then.stat('a').size == 1
        assert then.open('a', 'rb').read() == b'1' and then.view('a') == b'1' and snapshot.sequence > 0
        target = bytearray(1)
        assert then.read_into('a', target) == 1 and target == b'1'
        with pytest.raises(PermissionError):
            then.open('a', 'w')
    for use in (lambda: then['a'], lambda: list(then), lambda: then.stat('a'), lambda: then.view('a')):
        with pytest.raises(jzse.ClosedError):
            use()


def test_feed(store, files):
    files['a'] = b'1'
    files.move('a', 'b')
    with files.group() as group:
        group['c'] = b''
        del group['b']
    changes = list(store.changes())
    assert [(c.type, c.path, c.more) for c in changes][-2:] == [('put', 'c', True), ('delete', 'b', False)]
    assert changes[0].namespace == 'default' and any(c.type == 'move' and c.old_path == 'a' for c in changes)
    feed = files.changes(after=changes[-1].sequence)
    assert list(feed) == [] and feed.next(0.01) is None
    files['d/1'] = files['e/1'] = b''
    assert [c.path for c in feed] == ['d/1', 'e/1']
    assert [c.path for c in files.changes('d/', after=changes[-1].sequence)] == ['d/1']
    assert feed.sequence == store.stats().sequence


def test_following_and_cancelling(files):
    feed = files.changes(follow=True)
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(c.path for c in feed))
    thread.start()
    files['a'] = b''
    files['b'] = b''
    while len(seen) < 2:
        pass
    feed.cancel()
    thread.join(200)
    assert not thread.is_alive() and seen == ['a', 'b'] and feed.next() is None
    feed.close()
    feed.close()


def test_feed_as_async_iterator(files):
    async def follow():
        seen = []
        with files.changes(follow=True) as feed:
            files['a'] = b''
            waiting = asyncio.ensure_future(feed.__anext__())
            seen.append((await waiting).path)
            waiting = asyncio.ensure_future(feed.__anext__())
            await asyncio.sleep(0.01)
            waiting.cancel()  # and no change is lost by that
            files['b'] = b''
            async for change in feed:
                seen.append(change.path)
                if change.path == 'b':
                    await asyncio.get_running_loop().run_in_executor(None, files.put, 'c', b'')
                if change.path == 'c':
                    feed.cancel()
        return seen, [change.path async for change in files.changes()]
    assert asyncio.run(follow()) == (['a', 'b', 'c'], ['a', 'b', 'c'])


def test_upkeep(store, files, tmp_path):
    for i in range(20):
        files[f'f{i}'] = os.urandom(10_000)
    steps = []
    assert store.verify(progress=lambda done, total: steps.append(done)).files == 20 and steps
    with pytest.raises(jzse.ClosedError):
        store.verify(progress=lambda done, total: True)
    with pytest.raises(ZeroDivisionError):
        store.verify(progress=lambda done, total: 1 / 0)
    assert store.compact(full=True).segments >= 0
    with open(tmp_path / 'archive', 'w+b') as archive:
        assert files.export(archive, versions=True).files == 20
        archive.seek(0)
        copy = store.create_namespace('copy')
        assert copy.import_archive(archive, versions=True).files == 20
    assert dict(copy) == dict(files)
    (tmp_path / 'plain').write_bytes(b'p' * 100_000)
    assert files.put_file('plain', tmp_path / 'plain').size == 100_000
    with open(tmp_path / 'plain', 'rb') as source:
        assert files.put_file('plain2', source, content_type='a/b').size == 100_000
    with pytest.raises(TypeError):
        files.put_file('plain3', io.StringIO)


def test_verify_tells_what_is_damaged(tmp_path):
    with jzse.open(tmp_path / 's', create=True) as store:
        store['default']['victim'] = b'0123456789abcdef' * 200
        store['default']['other'] = b''
    for segment in (tmp_path / 's' / 'segments').iterdir():
        raw = segment.read_bytes()
        if b'0123456789abcdef' in raw:
            at = raw.index(b'0123456789abcdef')
            segment.write_bytes(raw[:at] + b'X' + raw[at + 1:])
    problems = []
    with jzse.open(tmp_path / 's') as store:
        with pytest.raises(jzse.CorruptError) as caught:
            store.verify(problem=lambda *found: problems.append(found))
        assert caught.value.report.problems > 0 and problems
        with pytest.raises(OSError):
            store['default']['victim']


def test_log_and_stats(tmp_path, caplog):
    lines = []
    with jzse.open(tmp_path / 's', create=True, log=lambda level, line: lines.append((level, line)),
                   region='beijing', background=False, io='plain') as store:
        assert store.region == 'beijing' and not store.stats().uses_uring and store.stats().namespace_count == 1
    with jzse.open(tmp_path / 's', log=logging.getLogger('test'), rebuild_index=True) as store:
        assert store.stats().index_rebuilt
    with pytest.raises(jzse.InvalidError):
        jzse.open(tmp_path / 's', io='magic')
