# SPDX-License-Identifier: Apache-2.0
"""Real file objects over readers and writers: seek, readinto, buffering, text."""
import io
import warnings
from typing import IO, Any, Dict, Optional

from . import _native, errors, records, options
from ._native import NULL, ffi, lib

BUFFER_SIZE = 128 * 1024
_PIECE = 1024 * 1024


class Reader(io.RawIOBase):
    """One version of one file, for reading: jzse_reader. `info` is what is read. Reading is thread-safe in the sense that
    nothing breaks; the position is one for all."""

    mode = 'rb'

    def __init__(self, view: Any, path: str, version: int = 0) -> None:
        raw = _native.text(path)
        self.name = path
        self._error = _native.struct('jzse_error')
        self._count = ffi.new('size_t *')
        self._position = 0
        self._handle = _native.Child(view._store, f'the file {path!r}', 'jzse_reader', lib.jzse_py_reader_close)
        found = _native.struct('jzse_file_info')
        given, held = options.get(view._snapshot, version)
        try:
            self._handle.enter(lib.jzse_reader_open, view._name, raw, given, then=(found,))
        finally:
            held.clear()
        self.info: records.FileInfo = records.file_info(str(path), found)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        self._check()
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check()
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.info.size}
        if whence not in base:
            raise ValueError(f'whence must be 0, 1 or 2, not {whence}')
        if base[whence] + offset < 0:
            raise ValueError(f'negative seek position {base[whence] + offset}')
        self._position = base[whence] + offset
        return self._position

    def tell(self) -> int:
        self._check()
        return self._position

    def readinto(self, buffer: Any) -> int:
        return self._fill(ffi.from_buffer('char[]', buffer, require_writable=True))

    def readinto_at(self, offset: int, buffer: Any) -> int:
        """Reads at an offset, leaving the position alone."""
        return self._fill(ffi.from_buffer('char[]', buffer, require_writable=True), offset)

    def read(self, size: Optional[int] = -1) -> bytes:
        self._check()
        left = max(0, self.info.size - self._position)
        size = left if size is None or size < 0 else min(size, left)
        if size < 2:  # Python shares these objects, so they cannot be filled
            short = bytearray(size)
            return bytes(short[:self.readinto(short)])
        # Nobody else knows this object yet, so it may still be filled: the bytes are copied once only.
        content = bytes(size)
        count = self._fill(ffi.from_buffer('char[]', content))
        return content if count == size else content[:count]

    def readall(self) -> bytes:
        return self.read()

    def _fill(self, target: Any, offset: Optional[int] = None) -> int:
        handle = self._handle
        with handle.lock:
            self._check()
            at = self._position if offset is None else offset
            code = lib.jzse_reader_read_at(handle.slot[0], at, target, len(target), self._count, self._error)
            if code != 0:
                raise _native.fail(code, self._error, handle)
            count: int = self._count[0]
            if offset is None:
                self._position += count
            return count

    def _check(self) -> None:
        if self.closed:
            raise errors.ClosedError(f'the file {self.name!r} is closed')
        self._handle.raise_if_closed()

    def close(self) -> None:
        if not self.closed:
            super().close()
            if hasattr(self, '_handle'):
                self._handle.close()


class Writer(io.RawIOBase):
    """A new content for one file: jzse_writer. close() commits it, durable and all at once; discard() forgets it. After
    the commit, `info` is what became of it. With autocommit=False close() leaves the decision to commit() and discard(),
    as fsspec's transactions want it."""

    mode = 'wb'

    def __init__(self, ns: Any, path: str, put: Dict[str, Any], *, exclusive: bool = False,
                 autocommit: bool = True) -> None:
        raw = _native.text(path)
        given, keep = options.put(**put)
        self.name = path
        self.info: Optional[records.FileInfo] = None
        self.autocommit = autocommit
        self._exclusive = exclusive
        self._discarded = False
        self._position = 0
        self._error = _native.struct('jzse_error')
        self._handle = _native.Child(ns._store, f'the file {path!r}', 'jzse_writer', lib.jzse_py_writer_abort)
        self._handle.enter(lib.jzse_writer_open, ns._name, raw, given)
        del keep

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        if self._discarded:
            return len(memoryview(data).cast('B'))  # what a buffer above still held
        buffer, handle = _native.buffer_of(data), self._handle
        with handle.lock:
            if self.closed:
                raise errors.ClosedError(f'the file {self.name!r} is closed')
            handle.raise_if_closed()
            code = lib.jzse_writer_write(handle.slot[0], buffer, len(buffer), self._error)
            if code != 0:
                raise _native.fail(code, self._error, handle)
            self._position += len(buffer)
        return len(buffer)

    def commit(self) -> None:
        """Makes the content the file's, durably."""
        handle = self._handle
        found = _native.struct('jzse_file_info')
        with handle.lock:
            handle.raise_if_closed()
            code = lib.jzse_py_writer_commit(handle.slot, found, self._error)
            handle.close_locked()
        if code == lib.JZSE_PRECONDITION and self._exclusive:
            code = lib.JZSE_EXISTS
        if code != 0:
            raise _native.fail(code, self._error)
        self.info = records.file_info(str(self.name), found)

    def discard(self) -> None:
        """Forgets what was written; the file stays as it was."""
        self._discarded = True
        self._handle.close()

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        if hasattr(self, '_handle') and self.autocommit and not self._discarded:
            self.commit()

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        _forget(self, self)
        if hasattr(self, '_handle'):
            self._handle.close()


def _forget(file: Any, raw: Any) -> None:
    """A writer that nobody closed says nothing about being complete, so it is not committed."""
    if raw is None:
        return  # detached
    if not file.closed and hasattr(raw, '_handle') and raw.autocommit and not raw._discarded:
        warnings.warn(f'the file {raw.name!r} was written but never closed; it is discarded', ResourceWarning,
                      source=file)
        raw.discard()
        file.close()


class BufferedWriter(io.BufferedWriter):
    """As io.BufferedWriter; an exception in its `with` block discards the file."""

    def discard(self) -> None:
        self.raw.discard()  # type: ignore[attr-defined]

    def commit(self) -> None:
        self.raw.commit()  # type: ignore[attr-defined]

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        _forget(self, self.raw)


class TextWriter(io.TextIOWrapper):
    """As io.TextIOWrapper; an exception in its `with` block discards the file."""

    def discard(self) -> None:
        self.buffer.discard()  # type: ignore[attr-defined]

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        try:
            raw = self.buffer.raw  # type: ignore[attr-defined]
        except ValueError:
            return  # detached
        _forget(self, raw)


def open_file(view: Any, path: str, mode: str, buffering: int, encoding: Optional[str], errors_: Optional[str],
              newline: Optional[str], version: int, put: Dict[str, Any]) -> IO[Any]:
    base = mode.replace('b', '', 1).replace('t', '', 1)
    binary = 'b' in mode
    if base not in ('r', 'w', 'x', 'a') or ('b' in mode and 't' in mode):
        raise errors.InvalidError(f'mode must be r, w, x or a, with b or t, not {mode!r}; files are written whole')
    if binary and (encoding is not None or errors_ is not None or newline is not None):
        raise errors.InvalidError('binary mode takes no encoding, errors or newline')
    if not binary and buffering == 0:
        raise errors.InvalidError('text cannot be unbuffered')
    size = BUFFER_SIZE if buffering < 2 else buffering
    if base == 'r':
        if put:
            raise TypeError(f'{", ".join(put)}: for writers only')
        reader = Reader(view, path, version)
        if buffering == 0:
            return reader  # type: ignore[return-value]
        buffered = io.BufferedReader(reader, size)
        if binary:
            return buffered
        return io.TextIOWrapper(buffered, encoding or 'utf-8', errors_, newline)
    writer = open_writer(view, path, base, put)
    if buffering == 0:
        return writer  # type: ignore[return-value]
    upper = BufferedWriter(writer, size)
    if binary:
        return upper
    return TextWriter(upper, encoding or 'utf-8', errors_, newline)


def open_writer(ns: Any, path: str, mode: str, put: Dict[str, Any], autocommit: bool = True) -> Writer:
    """A writer for mode w, x or a."""
    if not hasattr(ns, 'put'):
        raise errors.ReadOnlyError('a snapshot cannot be written to')
    exclusive = mode == 'x'
    if exclusive:
        if ns.exists(path):
            raise errors.ExistsError(f'{path} exists')
        put = dict(put, if_none_match='*')
    old: Optional[Reader] = None
    if mode == 'a':
        try:
            old = Reader(ns, path)
            put = dict({'if_match': old.info.etag}, **put)
        except errors.NotFoundError:
            put = dict({'if_none_match': '*'}, **put)
    writer = Writer(ns, path, put, exclusive=exclusive, autocommit=autocommit)
    if old is not None:
        with old:
            piece = memoryview(bytearray(min(_PIECE, max(1, old.info.size))))
            while count := old.readinto(piece):
                writer.write(piece[:count])
    return writer


def read_metadata(view: Any, path: str, version: int) -> records.Metadata:
    handle = _native.Child(view._store, 'the metadata', 'jzse_metadata', lib.jzse_py_metadata_close)
    raw = _native.text(path)
    given, held = options.get(view._snapshot, version)
    try:
        handle.enter(lib.jzse_metadata_open, view._name, raw, given)
        with handle.lock:
            handle.raise_if_closed()
            opened = handle.slot[0]
            pairs = [lib.jzse_metadata_pair(opened, i) for i in range(lib.jzse_metadata_count(opened))]
            return records.Metadata(_native.string(lib.jzse_metadata_content_type(opened)),
                                    {_native.string(pair.key): _native.string(pair.value) for pair in pairs})
    finally:
        held.clear()
        handle.close()
