# SPDX-License-Identifier: Apache-2.0
"""jzse under asyncio: AsyncStore, and the feed without a thread."""
import asyncio
import os
import subprocess
import sys
import threading

import pytest

import jzse


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'store'


def run(path, body, **opening):
    """body(store, files), with an AsyncStore of its own."""
    async def main():
        async with jzse.AsyncStore(path, create=True, **opening) as store:
            return await body(store, store['default'])
    return asyncio.run(asyncio.wait_for(main(), 200))


def test_every_call(path):
    async def body(store, files):
        info = await files.put('a', b'hello', content_type='text/plain', metadata={'who': 'me'})
        assert info.path == 'a' and info.size == 5
        assert await files.read('a') == b'hello' and (await files.stat('a')).etag == info.etag
        assert (await files.copy('a', 'b')).path == 'b'
        await files.move('b', 'd/c')
        await files.mkdir('e')
        assert [file.path async for file in files.list()] == ['a', 'd/c', 'e']
        info = await files.set_metadata('a', content_type='x/y')
        assert files.sync.metadata('a').content_type == 'x/y'
        await files.put('a', b'again')
        assert await files.read('a', version=info.version) == b'hello'
        assert (await files.restore('a', info.version)).size == 5
        await files.delete('d', recursive=True)
        assert not await files.exists('d/c') and await files.exists('a')
        return True
    assert run(path, body)
    with jzse.open(path) as store:
        assert store['default']['a'] == b'hello'


@pytest.mark.parametrize('size', [0, 1, 65536, 65537, 3 << 20])
def test_contents_of_all_sizes(path, size):
    content = os.urandom(size)

    async def body(store, files):
        await files.put('f', memoryview(content))
        assert await files.read('f') == content
    run(path, body)


def test_errors_are_raised_where_they_are_awaited(path):
    async def body(store, files):
        with pytest.raises(FileNotFoundError, match='nothing'):
            await files.read('nothing')
        with pytest.raises(jzse.InvalidError):
            await files.put('a//b', b'')
        with pytest.raises(TypeError):
            await files.put('a', 'text')
        await files.put('a', b'1')
        with pytest.raises(jzse.PreconditionError):
            await files.put('a', b'2', if_none_match='*')
        with pytest.raises(KeyError):
            store['no-such-namespace']
    run(path, body)


def test_thousands_at_once_need_no_thread_each(path):
    async def body(store, files):
        before = threading.active_count()
        while True:
            await asyncio.gather(*(files.put(f'f/{i}', b'%d' % i) for i in range(3000)))
            contents = await asyncio.gather(*(files.read(f'f/{i}') for i in range(3000)))
            assert contents == [b'%d' % i for i in range(3000)]
            assert threading.active_count() == before
            stats = store.sync.stats()
            if stats.commits < stats.changes:  # they share the waits for the disk; where it has none two must meet by chance
                break
    run(path, body, background=False)


def test_more_than_the_capacity_wait(path):
    async def main():
        with jzse.open(path, create=True) as store:
            async with jzse.AsyncStore(store, capacity=2) as few:
                files = few['default']
                await asyncio.gather(*(files.put(f'f{i}', b'x') for i in range(50)))
                assert len(files.sync) == 50
            assert not store.closed  # it is its owner's
    asyncio.run(main())


def test_groups(path):
    async def body(store, files):
        async with store.group() as group:
            group['a'] = b'1'
            group.put('b', b'2')
            assert not await files.exists('a')
        assert await files.read('a') + await files.read('b') == b'12'
        with pytest.raises(RuntimeError):
            async with store.group() as group:
                group['c'] = b'3'
                raise RuntimeError
        assert not await files.exists('c')
        group = store.group()
        group['d'] = b''
        await group.commit()
        with pytest.raises(jzse.ClosedError):
            await group.commit()
    run(path, body)


def test_a_cancelled_task_loses_nothing_and_breaks_nothing(path):
    async def body(store, files):
        for size in (10, 1 << 20):
            tasks = [asyncio.ensure_future(files.put(f'f{size}/{i}', bytearray(size))) for i in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            assert all(isinstance(end, asyncio.CancelledError) for end in
                       await asyncio.gather(*tasks, return_exceptions=True))
        await files.put('after', b'x')
        assert await files.read('after') == b'x'
    run(path, body)
    with jzse.open(path) as store:
        assert store.verify().problems == 0


def test_a_store_closed_underneath(path):
    async def main():
        store = jzse.open(path, create=True)
        asynchronous = jzse.AsyncStore(store)
        files = asynchronous['default']
        await files.put('a', b'x')
        tasks = [asyncio.ensure_future(files.put(f'f{i}', b'x')) for i in range(50)]
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, store.close)
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 120)
        assert all(isinstance(end, (jzse.FileInfo, jzse.ClosedError)) for end in ends)
        with pytest.raises(jzse.ClosedError):
            await files.read('a')
        await asynchronous.close()
    asyncio.run(main())


def test_one_event_loop(path):
    with jzse.open(path, create=True) as store:
        asynchronous = jzse.AsyncStore(store)

        async def use():
            await asynchronous['default'].put('a', b'x')
        asyncio.run(use())
        with pytest.raises(RuntimeError, match='event loop'):
            asyncio.run(use())


def test_feed_without_a_thread(path):
    async def body(store, files):
        before = threading.active_count()
        seen = []

        async def follow(feed):
            async for change in feed:
                seen.append(change.path)
        feed = store.changes(follow=True, prefix='f')
        tasks = [asyncio.ensure_future(follow(feed)), asyncio.ensure_future(follow(feed))]  # two share one feed
        await asyncio.sleep(0.01)
        assert threading.active_count() == before
        for i in range(100):
            await files.put(f'f{i}', b'x')
            await files.put(f'other{i}', b'x')
        while len(seen) < 100:
            await asyncio.sleep(0.001)
        assert sorted(seen) == sorted(f'f{i}' for i in range(100))
        feed.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks), 120)
        feed.close()
    run(path, body, background=False)


def test_feed_closed_while_it_is_waited_for(path):
    async def body(store, files):
        feed = store.changes(follow=True)
        waiting = asyncio.ensure_future(feed.__anext__())
        await asyncio.sleep(0.01)
        feed.close()
        with pytest.raises(jzse.ClosedError):
            await asyncio.wait_for(waiting, 120)
    run(path, body)


def test_feed_wait_in_a_thread_ends_by_close_and_cancel(path):
    with jzse.open(path, create=True) as store:
        for end in ('close', 'cancel'):
            feed = store.changes(follow=True)
            ends = []

            def wait():
                try:
                    ends.append(feed.next())
                except jzse.ClosedError:
                    ends.append('closed')
            thread = threading.Thread(target=wait)
            thread.start()
            getattr(feed, end)()
            thread.join(200)
            assert ends == (['closed'] if end == 'close' else [None]) or ends == ['closed']
            feed.close()


def test_exit_in_mid_call(path):
    script = f'''
import asyncio, jzse, sys
async def main():
    store = jzse.AsyncStore({str(path)!r}, create=True)
    files = store['default']
    tasks = [asyncio.ensure_future(files.put('f%d' % i, bytes(100000))) for i in range(100)]
    await asyncio.sleep(0)
    feed = store.changes(follow=True)
    asyncio.ensure_future(feed.__anext__())
    await asyncio.sleep(0)
    print('ready', flush=True)
    sys.exit(3)
asyncio.run(main())
'''
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True, timeout=400)
    assert done.returncode == 3 and done.stdout == 'ready\n', done.stderr
    with jzse.open(path) as store:
        assert store.verify().problems == 0


def test_len_counts_files_only(path):
    with jzse.open(path, create=True) as store:
        files = store['default']
        files['a'] = files['d/b'] = b'x'
        files.mkdir('e')
        files.put('link', b'a', kind='symlink')
        assert len(files) == 3 == len(list(files))
        del files['a']
        with store.snapshot() as snapshot:
            files['more'] = b''
            assert len(files) == 3 and len(snapshot['default']) == 2


def test_read_of_all_sizes(path):
    with jzse.open(path, create=True) as store:
        files = store['default']
        for size in (0, 1, 2, 65535, 65536, 65537, 1 << 20):
            content = os.urandom(size)
            files['f'] = content
            assert files['f'] == content
            with store.snapshot() as snapshot:
                version = files.stat('f').version
                files['f'] = b'newer'
                assert snapshot['default']['f'] == content == files.read('f', version=version)
