# SPDX-License-Identifier: Apache-2.0
"""The change feed, as an iterator and as an asynchronous iterator."""
import asyncio
import threading
import time
from typing import Any, AsyncIterator, Iterator, Optional

from . import _native, errors, records
from ._native import NULL, ffi, lib

_SLICE_S = 0.2  # a wait looks this often whether a signal came, such as Ctrl-C


class Feed(_native.Child):
    """Changes in order of sequence. A cursor never becomes too old: feed.sequence, kept and given as `after` later, goes
    on where this one ended, also in another process.

        for change in store.changes(after=cursor): ...
        async for change in store.changes(follow=True): ..."""

    what = 'the change feed'

    def __init__(self, store: Any, namespace: Optional[str], prefix: str, after: int, follow: bool) -> None:
        super().__init__(store)
        self._guard = threading.RLock()  # of _raw against cancel(), which another thread may call during a wait
        self._change = ffi.new('const jzse_change **')
        self._error = _native.struct('jzse_error')
        self._cancelled = False
        self._pending: 'Optional[asyncio.Future[Optional[records.Change]]]' = None
        self._follow = follow
        self.sequence = after  #: of the last change given out
        options = _native.struct('jzse_feed_options')
        options.ns = ns = _native.text_or_null(namespace, 'namespace')
        options.prefix = start = _native.text_or_null(prefix, 'prefix')
        options.after = after
        self.enter(lib.jzse_feed_open, 'jzse_feed', options)
        del ns, start

    def next(self, timeout: Optional[float] = None) -> Optional[records.Change]:
        """The next change, waiting up to `timeout` seconds for one (None: for ever); None when the time is over, or
        after cancel()."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE_S if end is None else max(0.0, min(_SLICE_S, end - time.monotonic()))
            with self._lock:
                if self._cancelled:
                    return None
                if self._raw is NULL:
                    raise _native.closed(self)
                milliseconds = int(left * 1000 + 0.999)
                code = lib.jzse_feed_next(self._raw, milliseconds, self._change, self._error)
                if code == lib.JZSE_CLOSED and self._cancelled:
                    return None
                if code != 0:
                    raise _native.fail(code, self._error, self)
                if self._change[0] != NULL:
                    change = records.change(self._change[0])
                    self.sequence = change.sequence
                    return change
            if end is not None and time.monotonic() >= end:
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
        if self._pending is None:
            change = self.next(0)
            if change is not None:
                return change
            if not self._follow or self._cancelled:
                raise StopAsyncIteration
            self._pending = self._wait_in_thread()
        # The wait outlives a cancelled task, so that the change it brings is not lost: the next call gets it.
        change = await asyncio.shield(self._pending)
        self._pending = None
        if change is None:
            raise StopAsyncIteration
        return change

    def _wait_in_thread(self) -> 'asyncio.Future[Optional[records.Change]]':
        loop = asyncio.get_running_loop()
        future: 'asyncio.Future[Optional[records.Change]]' = loop.create_future()

        def deliver(change: Optional[records.Change], error: Optional[BaseException]) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(change)

        def wait() -> None:
            change, error = None, None
            try:
                change = self.next()
            except errors.Error as failed:
                error = failed
            try:
                loop.call_soon_threadsafe(deliver, change, error)
            except RuntimeError:
                pass  # the loop was closed meanwhile; nobody waits

        # A daemon: a pool's threads are joined at exit, before anything could cancel the feed.
        threading.Thread(target=wait, name='jzse-feed', daemon=True).start()
        return future

    # ---- ending

    def cancel(self) -> None:
        """Ends a wait in another thread, and the iteration. May be called from any thread."""
        self._cancelled = True
        with self._guard:
            if self._raw is not NULL:
                lib.jzse_feed_cancel(self._raw)

    def close(self) -> None:
        with self._guard:
            if self._raw is not NULL:
                lib.jzse_feed_cancel(self._raw)
        with self._lock, self._guard:
            raw, self._raw = self._raw, NULL
            if raw is not NULL:
                lib.jzse_feed_close(raw)

    def abandon(self) -> None:
        super().abandon()
        self._guard = threading.RLock()

    def __enter__(self) -> 'Feed':
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
