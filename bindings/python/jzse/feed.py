# SPDX-License-Identifier: Apache-2.0
"""The change feed, as an iterator and as an asynchronous iterator."""
import asyncio
import select
import threading
import time
from typing import Any, AsyncIterator, Iterator, Optional

from . import _native, records
from ._native import NULL, ffi, lib

_POLL_MS_MAX = 2**31 - 1


class _Handle(_native.Child):
    """Closing it first ends the call of a thread that is inside."""

    def __init__(self, store: Any) -> None:
        super().__init__(store, Feed.what, 'jzse_feed', lib.jzse_py_feed_close)
        self.guard = threading.RLock()  # of the slot against cancel(), which another thread may call during a wait

    def cancel(self) -> None:
        with self.guard:
            if self.slot[0]:
                lib.jzse_feed_cancel(self.slot[0])

    def close(self) -> None:
        self.cancel()
        super().close()

    def close_locked(self) -> None:
        with self.guard:
            super().close_locked()

    def abandon(self) -> None:
        super().abandon()
        self.guard = threading.RLock()


class Feed:
    """Changes in order of sequence. A cursor never becomes too old: feed.sequence, kept and given as `after` later, goes
    on where this one ended, also in another process.

        for change in store.changes(after=cursor): ...
        async for change in store.changes(follow=True): ..."""

    what = 'the change feed'

    def __init__(self, store: Any, namespace: Optional[str], prefix: str, after: int, follow: bool) -> None:
        self._handle = _Handle(store)
        self._change = ffi.new('const jzse_change **')
        self._error = _native.struct('jzse_error')
        self._cancelled = False
        self._descriptor: Optional[_native.Descriptor] = None
        self._pending: 'Optional[asyncio.Future[None]]' = None
        self._follow = follow
        self.sequence = after  #: of the last change given out
        options = _native.struct('jzse_feed_options')
        options.ns = ns = _native.text_or_null(namespace, 'namespace')
        options.prefix = start = _native.text_or_null(prefix, 'prefix')
        options.after = after
        self._handle.enter(lib.jzse_feed_open, options)
        del ns, start

    def next(self, timeout: Optional[float] = None) -> Optional[records.Change]:
        """The next change, waiting up to `timeout` seconds for one (None: for ever); None when the time is over, or
        after cancel()."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            change = self._poll()
            if change is not None or self._cancelled:
                return change
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            descriptor = self._waiting_on()
            if descriptor is not None:
                poll = select.poll()  # a signal handler may raise in here, and ends the wait
                poll.register(descriptor.number, select.POLLIN)
                poll.poll(None if left is None else min(int(left * 1000) + 1, _POLL_MS_MAX))

    def _poll(self) -> Optional[records.Change]:
        with self._handle.lock:
            if self._cancelled:
                return None
            self._handle.raise_if_closed()
            code = lib.jzse_feed_next(self._handle.slot[0], 0, self._change, self._error)
            if code == lib.JZSE_CLOSED and self._cancelled:
                return None
            if code != 0:
                raise _native.fail(code, self._error, self._handle)
            if self._change[0] == NULL:
                return None
            change = records.change(self._change[0])
            self.sequence = change.sequence
            return change

    def _waiting_on(self) -> Optional[_native.Descriptor]:
        """What to wait on; None the first time: a change may have come before there was a descriptor, so look again."""
        with self._handle.lock:
            if self._descriptor is not None:
                return self._descriptor
            if self._handle.open:
                self._descriptor = _native.Descriptor(lib.jzse_feed_fd(self._handle.slot[0]), self.what)
            return None

    def __iter__(self) -> Iterator[records.Change]:
        return self

    def __next__(self) -> records.Change:
        change = self.next(None if self._follow else 0)
        if change is None:
            raise StopIteration
        return change

    # ---- asynchronous

    def __aiter__(self) -> AsyncIterator[records.Change]:
        return self

    async def __anext__(self) -> records.Change:
        while True:
            change = self._poll()
            if change is not None:
                return change
            if not self._follow or self._cancelled:
                raise StopAsyncIteration
            await self._readable()

    async def _readable(self) -> None:
        """Waits in the event loop, without a thread. A task that is cancelled here leaves the wait to the next one."""
        loop, pending = asyncio.get_running_loop(), self._pending
        if pending is None or pending.done() or pending.get_loop() is not loop:
            descriptor = self._waiting_on()
            if descriptor is None:
                return
            pending = self._pending = loop.create_future()
            loop.add_reader(descriptor.number, _ready, descriptor, pending)
        await asyncio.shield(pending)

    # ---- ending

    def cancel(self) -> None:
        """Ends a wait in another thread, and the iteration. May be called from any thread."""
        self._cancelled = True
        self._handle.cancel()

    def close(self) -> None:
        """Ends it: later use, and a wait in another thread, raises ClosedError."""
        self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, '_handle'):
            self._handle.close()

    def __enter__(self) -> 'Feed':
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _ready(descriptor: _native.Descriptor, pending: 'asyncio.Future[None]') -> None:
    pending.get_loop().remove_reader(descriptor.number)
    if not pending.done():
        pending.set_result(None)
