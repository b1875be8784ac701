# SPDX-License-Identifier: Apache-2.0
"""Listings and version lists: iterators that hold one entry at a time."""
from typing import Any, Iterator

from . import _native, records
from ._native import NULL, ffi, lib


class Listing(_native.Child):
    """Entries in byte order of the path, from the moment when it was opened. Iterate once; close() or a `with` ends it
    early, and so does forgetting it."""

    what = 'the listing'

    def __init__(self, store: Any, function: Any, *arguments: Any) -> None:
        super().__init__(store)
        self._entry = ffi.new('const jzse_list_entry **')
        self._error = _native.struct('jzse_error')
        self._done = False
        self.enter(function, 'jzse_list', *arguments)

    def __iter__(self) -> Iterator[records.FileInfo]:
        return self

    def __next__(self) -> records.FileInfo:
        with self._lock:
            entry = self._next()
            return records.file_info(_native.string(entry.path), entry.info)

    def _next(self) -> Any:
        """The entry itself, valid until the next call; the lock is held."""
        if self._done:
            raise StopIteration
        if self._raw is NULL:
            raise _native.closed(self)
        code = lib.jzse_list_next(self._raw, self._entry, self._error)
        if code != 0:
            raise _native.fail(code, self._error, self)
        if self._entry[0] == NULL:
            self._done = True
            self.close()
            raise StopIteration
        return self._entry[0]

    def paths(self) -> Iterator[str]:
        """Only the paths of what has a content, without making a FileInfo of each."""
        while True:
            with self._lock:
                try:
                    entry = self._next()
                except StopIteration:
                    return
                kind, path = entry.info.kind, _native.string(entry.path)
            if kind in (lib.JZSE_KIND_FILE, lib.JZSE_KIND_SYMLINK):
                yield path

    def release(self, raw: Any) -> None:
        lib.jzse_list_close(raw)

    def __enter__(self) -> 'Listing':
        return self

    def __exit__(self, *_: Any) -> None:
        self._done = True
        self.close()
