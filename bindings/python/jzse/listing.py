# SPDX-License-Identifier: Apache-2.0
"""Listings and version lists: iterators that hold one entry at a time."""
from typing import Any, Iterator

from . import _native, records
from ._native import NULL, ffi, lib


class Listing:
    """Entries in byte order of the path, from the moment when it was opened. Iterate once; close() or a `with` ends it
    early, and so does forgetting it."""

    what = 'the listing'

    def __init__(self, store: Any, function: Any, *arguments: Any) -> None:
        self._handle = _native.Child(store, self.what, 'jzse_list', lib.jzse_py_list_close)
        self._entry = ffi.new('const jzse_list_entry **')
        self._error = _native.struct('jzse_error')
        self._done = False
        self._handle.enter(function, *arguments)

    def __iter__(self) -> Iterator[records.FileInfo]:
        return self

    def __next__(self) -> records.FileInfo:
        with self._handle.lock:
            entry = self._next()
            return records.file_info(_native.string(entry.path), entry.info)

    def _next(self) -> Any:
        """The entry itself, valid until the next call; the lock is held."""
        if self._done:
            raise StopIteration
        code = lib.jzse_list_next(self._handle.slot[0], self._entry, self._error)
        if code != 0:
            raise _native.fail(code, self._error, self._handle)
        if self._entry[0] == NULL:
            self._done = True
            self._handle.close_locked()
            raise StopIteration
        return self._entry[0]

    def paths(self) -> Iterator[str]:
        """Only the paths of what has a content, without making a FileInfo of each."""
        while True:
            with self._handle.lock:
                try:
                    entry = self._next()
                except StopIteration:
                    return
                kind, path = entry.info.kind, _native.string(entry.path)
            if kind in (lib.JZSE_KIND_FILE, lib.JZSE_KIND_SYMLINK):
                yield path

    def close(self) -> None:
        """Ends it early. Later use raises ClosedError; closing again does nothing."""
        self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, '_handle'):
            self._handle.close()

    def __enter__(self) -> 'Listing':
        return self

    def __exit__(self, *_: Any) -> None:
        self._done = True
        self.close()
