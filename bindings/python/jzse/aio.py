# SPDX-License-Identifier: Apache-2.0
"""The store for asyncio: calls to await, carried out by jzse_queue without a thread for each.

Rules
  1. All completions are reaped in the event loop, by one reader of the queue's descriptor.
  2. What a request was given (buffers above all) is kept until its completion is reaped, also when nobody waits any more.
  3. A slot is taken before a request is submitted and given back when it is reaped, so the queue is never full."""
import asyncio
import itertools
import os
import weakref
from typing import Any, AsyncIterator, Callable, Dict, List, Optional, Tuple, Union

from . import _native, errors, options, records
from ._native import NULL, ffi, lib
from .feed import Feed
from .group import Group
from .namespace import Namespace
from .store import Store

_BATCH = 64
_PAGE = 256
_Convert = Callable[[Any, bytes], Any]


class _Handle(_native.Child):
    """Tells the event loop when it was closed."""

    loop: Optional[asyncio.AbstractEventLoop] = None
    detach: 'Optional[weakref.WeakMethod[Any]]' = None

    def close_locked(self) -> None:
        was_open = self.open
        super().close_locked()  # waits for what is under way
        detach = self.detach() if self.detach is not None else None
        if was_open and detach is not None:
            try:
                self.loop.call_soon_threadsafe(detach)  # type: ignore[union-attr]
            except RuntimeError:
                pass  # the loop was closed; nobody waits


class _Queue:
    what = 'the asynchronous store'

    def __init__(self, store: Store, capacity: int) -> None:
        self._handle = _Handle(store, self.what, 'jzse_queue', lib.jzse_py_queue_close)
        self._capacity = capacity
        self._waiting: Dict[int, Tuple['asyncio.Future[Any]', _Convert, Any]] = {}
        self._tags = itertools.count()
        self._completions = ffi.new('jzse_completion[]', _BATCH)
        self._count = ffi.new('size_t *')
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        with self._handle.lock:
            self._handle.enter(lib.jzse_queue_open, capacity)
            self._descriptor = _native.Descriptor(lib.jzse_queue_fd(self._handle.slot[0]), self.what)

    async def call(self, convert: _Convert, function: Any, *arguments: Any) -> Any:
        """function(queue, tag, *arguments, &error), and what `convert` makes of its completion."""
        self._attach(asyncio.get_running_loop())
        await self._slots.acquire()
        tag, scratch = next(self._tags), _native.take()
        future = self._loop.create_future()  # type: ignore[union-attr]
        self._waiting[tag] = future, convert, arguments
        try:
            with self._handle.lock:
                code = function(self._handle.slot[0], tag, *arguments, scratch.error)
            if code != 0:
                raise _native.fail(code, scratch.error, self._handle)
        except BaseException:
            del self._waiting[tag]
            self._slots.release()
            raise
        _native.give(scratch)
        return await future

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._handle.raise_if_closed()
        if self._loop is None:
            self._loop, self._slots = loop, asyncio.Semaphore(self._capacity)
            self._handle.loop, self._handle.detach = loop, weakref.WeakMethod(self.detach)
            loop.add_reader(self._descriptor.number, self._reap)
        elif self._loop is not loop:
            raise RuntimeError('an asynchronous store belongs to the event loop that used it first')

    def _reap(self) -> None:
        error = _native.struct('jzse_error')
        with self._handle.lock:
            if not self._handle.open:
                return
            code = lib.jzse_queue_reap(self._handle.slot[0], self._completions, _BATCH, 0, self._count, error)
            if code != 0:
                raise _native.fail(code, error, self._handle)
            done = self._completions[0:self._count[0]]
            for completion in done:
                self._complete(completion)

    def _complete(self, completion: Any) -> None:
        future, convert, _ = self._waiting.pop(completion.tag)
        self._slots.release()
        content = b''
        if completion.data != NULL:
            if not future.done():
                content = ffi.buffer(completion.data, completion.size)[:]
            lib.jzse_free(completion.data)
        if future.done():
            return  # nobody waits any more
        if completion.code != 0:
            kind = errors.BY_CODE.get(completion.code, errors.Error)
            future.set_exception(kind(_native.string(completion.message)))
        else:
            future.set_result(convert(completion, content))

    async def drain(self) -> None:
        while self._waiting:
            awaited = [future for future, _, _ in self._waiting.values() if not future.done()]
            if awaited:
                await asyncio.wait(awaited)
            else:
                await asyncio.sleep(0.001)  # only requests that nobody awaits any more

    def close(self) -> None:
        self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, '_handle'):
            self._handle.close()

    def detach(self) -> None:
        """Leaves the event loop; the queue is closed. Called in the loop."""
        if self._loop is not None:
            self._loop.remove_reader(self._descriptor.number)
        waiting, self._waiting = self._waiting, {}
        for future, _, _ in waiting.values():
            if not future.done():
                future.set_exception(_native.closed(self._handle))


class AsyncStore:
    """A store for asyncio: from a path, with the options of Store, or around a Store, which stays its owner's.

        async with jzse.AsyncStore('mystore', create=True) as store:
            files = store['default']
            await files.put('notes/hi.txt', b'hi')       # on disk when this goes on
            await asyncio.gather(*(files.read(path) for path in paths))

    `capacity` bounds the requests under way; more of them wait for a slot. A request goes on when the task that waits for
    it is cancelled. Requests under way have no order among themselves. `store.sync` is the Store."""

    def __init__(self, store: Union[Store, str, 'os.PathLike[str]'], *, capacity: int = 1024, **opening: Any) -> None:
        self._owned = not isinstance(store, Store)
        self.sync: Store = store if isinstance(store, Store) else Store(store, **opening)
        if not self._owned and opening:
            raise TypeError('the store is open already; it takes no options')
        self._queue = _Queue(self.sync, capacity)

    def __getitem__(self, name: str) -> 'AsyncNamespace':
        """The namespace of that name; NotFoundError if there is none."""
        return AsyncNamespace(self._queue, self.sync[name])

    def group(self, namespace: str = 'default') -> 'AsyncGroup':
        """As Store.group: `async with store.group() as group:`, whose changes are those of Group."""
        return AsyncGroup(self._queue, self.sync.group(namespace))

    def changes(self, namespace: Optional[str] = None, prefix: str = '', *, after: int = 0,
                follow: bool = False) -> Feed:
        """As Store.changes: `async for change in store.changes(follow=True)`."""
        return self.sync.changes(namespace, prefix, after=after, follow=follow)

    async def close(self) -> None:
        """Waits for the requests under way; closes the store, too, if it was opened here."""
        await self._queue.drain()
        self._queue.close()
        self._queue.detach()
        if self._owned:
            await asyncio.get_running_loop().run_in_executor(None, self.sync.close)

    async def __aenter__(self) -> 'AsyncStore':
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()


class AsyncNamespace:
    """A namespace whose calls are awaited. They mean what those of Namespace mean, which is `sync`."""

    def __init__(self, queue: _Queue, sync: Namespace) -> None:
        self._queue = queue
        self.sync = sync
        self.name = sync.name

    async def put(self, path: str, data: Any, **put: Any) -> records.FileInfo:
        """Namespace.put. `data` must not change until this returns."""
        buffer = _native.buffer_of(data)
        given, keep = options.put(**put)
        return await self._info(path, keep, lib.jzse_put_async, _native.text(path), buffer, len(buffer), given)

    async def read(self, path: str, *, version: int = 0) -> bytes:
        """Namespace.read."""
        given, _ = options.get(None, version)
        content: bytes = await self._queue.call(lambda _, content: content, lib.jzse_get_async, self.sync._name,
                                                _native.text(path), given)
        return content

    async def stat(self, path: str, *, version: int = 0) -> records.FileInfo:
        """Namespace.stat."""
        given, keep = options.get(None, version)
        return await self._info(path, keep, lib.jzse_stat_async, _native.text(path), given)

    async def exists(self, path: str) -> bool:
        """Namespace.exists."""
        try:
            await self.stat(path)
        except errors.NotFoundError:
            return False
        return True

    async def delete(self, path: str, *, recursive: bool = False, if_match: Optional[str] = None) -> None:
        """Namespace.delete."""
        given, keep = options.change(recursive=recursive, if_match=if_match)
        await self._info(path, keep, lib.jzse_delete_async, _native.text(path), given)

    async def copy(self, path: str, to: str, *, to_namespace: Optional[str] = None, replace: bool = True,
                   if_match: Optional[str] = None) -> records.FileInfo:
        """Namespace.copy."""
        given, keep = options.change(replace=replace, if_match=if_match)
        target = self.sync._name if to_namespace is None else _native.text(to_namespace, 'namespace')
        return await self._info(to, keep, lib.jzse_copy_async, _native.text(path), target, _native.text(to), given)

    async def move(self, path: str, to: str, *, replace: bool = True, if_match: Optional[str] = None) -> None:
        """Namespace.move."""
        given, keep = options.change(replace=replace, if_match=if_match)
        await self._info(to, keep, lib.jzse_move_async, _native.text(path), _native.text(to), given)

    async def mkdir(self, path: str) -> None:
        """Namespace.mkdir."""
        await self._info(path, None, lib.jzse_mkdir_async, _native.text(path), NULL)

    async def set_metadata(self, path: str, **put: Any) -> records.FileInfo:
        """Namespace.set_metadata."""
        given, keep = options.put(**put)
        return await self._info(path, keep, lib.jzse_metadata_set_async, _native.text(path), given)

    async def restore(self, path: str, version: int) -> records.FileInfo:
        """Namespace.restore."""
        return await self._info(path, None, lib.jzse_version_restore_async, _native.text(path), version)

    async def list(self, prefix: str = '', **listing: Any) -> AsyncIterator[records.FileInfo]:
        """Namespace.list, read page by page in the executor of the event loop: `async for file in files.list('a/')`."""
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(None, lambda: self.sync.list(prefix, **listing))
        try:
            while page := await loop.run_in_executor(None, _page, entries):
                for entry in page:
                    yield entry
        finally:
            entries.close()

    async def _info(self, path: str, keep: Any, function: Any, *arguments: Any) -> records.FileInfo:
        def convert(completion: Any, _: bytes, keep: Any = keep) -> records.FileInfo:  # which outlives a cancelled task
            return records.file_info(os.fspath(path), completion.info)
        found: records.FileInfo = await self._queue.call(convert, function, self.sync._name, *arguments)
        return found


class AsyncGroup:
    """A Group whose commit is awaited. It gathers changes as Group does: put, delete, move, copy, mkdir, group[path]."""

    def __init__(self, queue: _Queue, group: Group) -> None:
        self._queue = queue
        self._group = group
        for name in ('put', 'delete', 'move', 'copy', 'mkdir', 'abort'):
            setattr(self, name, getattr(group, name))

    def __setitem__(self, path: str, data: Any) -> None:
        self._group[path] = data

    def __delitem__(self, path: str) -> None:
        del self._group[path]

    async def commit(self) -> None:
        """Makes all of it durable. The group is closed whatever this raises."""
        await self._queue.call(lambda completion, _: None, self._hand_over)

    def _hand_over(self, queue: Any, tag: int, error: Any) -> int:
        """Submits the commit; the group's handle is the queue's from then on, unless it was refused."""
        handle = self._group._handle
        with handle.lock:
            handle.raise_if_closed()
            code: int = lib.jzse_py_group_commit_async(queue, tag, handle.slot, error)
            handle.close_locked()
        return code

    async def __aenter__(self) -> 'AsyncGroup':
        return self

    async def __aexit__(self, kind: Any, *_: Any) -> None:
        if kind is None and self._group.open:
            await self.commit()
        else:
            self._group.abort()


def _page(entries: Any) -> List[records.FileInfo]:
    return list(itertools.islice(entries, _PAGE))
