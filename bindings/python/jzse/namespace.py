# SPDX-License-Identifier: Apache-2.0
"""Namespaces: files by path, as a mapping and with everything that a mapping cannot say."""
import io
import os
from collections.abc import Mapping, MutableMapping
from typing import IO, Any, Dict, Iterator, Mapping as MappingType, Optional

from . import _native, errors, files, records, options
from ._native import NULL, ffi, lib, rooms, text
from .feed import Feed
from .group import Group
from .listing import Listing

get_into = lib.jzse_py_get


class NamespaceView(Mapping):  # type: ignore[type-arg]  # Mapping[str, bytes]; not subscriptable in Python 3.8 stubs
    """The reading half of a namespace: now, or as of a snapshot. As a mapping its keys are the paths of files and
    symlinks, its values their contents."""

    def __init__(self, store: Any, name: str, snapshot: Any = None) -> None:
        self._store = store
        self._shared = store._shared
        self._snapshot = snapshot
        self._name = _native.text(name, 'namespace')
        self.name = name

    def __repr__(self) -> str:
        return f'<jzse.{type(self).__name__} {self.name!r} of {self._store!r}>'

    # ---- contents

    def read(self, path: str, *, version: int = 0) -> bytes:
        """The whole content. Every byte was checked."""
        raw = text(path)
        try:
            room = rooms.pop()
        except IndexError:
            room = _native.Room()
        if version == 0 and self._snapshot is None:
            size = get_into(self._shared.handle, self._name, raw, NULL, room.struct, room.error)
        else:
            given, held = options.get(self._snapshot, version)
            try:
                size = get_into(self._shared.handle, self._name, raw, given, room.struct, room.error)
            finally:
                held.clear()
        if size < 0:
            raise room.failed or _native.fail(size, room.error, self._shared)
        content: bytes = room.small[:size] if size <= _native.SMALL else room.take()
        rooms.append(room)
        return content

    __getitem__ = read

    def view(self, path: str, *, version: int = 0) -> memoryview:
        """The whole content without a copy: a read-only view of the library's memory, which lives as long as the view
        does. numpy.frombuffer(ns.view(path), dtype) copies nothing either."""
        raw, scratch = _native.text(path), _native.take()
        given, held = options.get(self._snapshot, version)
        try:
            code = lib.jzse_get(self._shared.handle, self._name, raw, given, scratch.data, scratch.size, NULL,
                                scratch.error)
        finally:
            held.clear()
        if code != 0:
            raise _native.fail(code, scratch.error, self._shared)
        size = scratch.size[0]
        memory = ffi.gc(scratch.data[0], lib.jzse_free, size)
        _native.give(scratch)
        return memoryview(ffi.buffer(memory, size)).toreadonly()

    def read_into(self, path: str, buffer: Any, *, offset: int = 0, version: int = 0) -> int:
        """Reads from `offset` straight into a writable buffer (bytearray, memoryview, numpy array); how many bytes came,
        fewer than fit only at the end of the content."""
        raw, scratch = _native.text(path), _native.take()
        target = ffi.from_buffer('char[]', buffer, require_writable=True)
        given, held = options.get(self._snapshot, version)
        try:
            code = lib.jzse_get_range(self._shared.handle, self._name, raw, given, offset, target, len(target),
                                      scratch.size, scratch.error)
        finally:
            held.clear()
        if code != 0:
            raise _native.fail(code, scratch.error, self._shared)
        count: int = scratch.size[0]
        _native.give(scratch)
        return count

    def stat(self, path: str, *, version: int = 0) -> records.FileInfo:
        """What is at the path: a file, a symlink, or a directory (an implied one has version 0)."""
        raw, scratch = _native.text(path), _native.take()
        given, held = options.get(self._snapshot, version)
        try:
            code = lib.jzse_stat(self._shared.handle, self._name, raw, given, scratch.info, scratch.error)
        finally:
            held.clear()
        if code != 0:
            raise _native.fail(code, scratch.error, self._shared)
        found = records.file_info(os.fspath(path), scratch.info)
        _native.give(scratch)
        return found

    def exists(self, path: str) -> bool:
        """Whether anything is at the path, a directory too."""
        try:
            self.stat(path)
        except errors.NotFoundError:
            return False
        return True

    def metadata(self, path: str, *, version: int = 0) -> records.Metadata:
        """Content type and user metadata."""
        return files.read_metadata(self, path, version)

    def open(self, path: str, mode: str = 'r', buffering: int = -1, encoding: Optional[str] = None,
             errors: Optional[str] = None, newline: Optional[str] = None, *, version: int = 0, **put: Any) -> IO[Any]:
        """A file object, with the modes r, w, x, a, b and t of the built-in open() (text is UTF-8 by default).

        A reader holds one version, however the file changes meanwhile. What a writer gets becomes the file, durable and
        all at once, when it is closed; if its `with` block raises, or it is forgotten, nothing is written. Appending
        writes a new version that begins with the old content, and fails with PreconditionError if someone else changed
        the file meanwhile. Writers take the options of put."""
        return files.open_file(self, path, mode, buffering, encoding, errors, newline, version, put)

    # ---- what is there

    def list(self, prefix: str = '', *, delimiter: str = '', start_after: str = '', limit: int = 0,
             deleted: bool = False) -> Listing:
        """Iterates over entries in byte order of the path, from one consistent moment, one at a time. With a delimiter
        (say '/') what lies beyond its next occurrence after the prefix is given once, as an entry of kind 'prefix'."""
        given = _native.struct('jzse_list_options')
        keep = [_native.text_or_null(prefix, 'prefix'), _native.text_or_null(delimiter, 'delimiter'),
                _native.text_or_null(start_after, 'start_after')]
        given.prefix, given.delimiter, given.start_after = keep
        given.limit, given.with_deleted = limit, deleted
        held = options.hold(given, self._snapshot)
        try:
            return Listing(self._store, lib.jzse_list_open, self._name, given)
        finally:
            held.clear()

    def versions(self, path: str) -> Listing:
        """The states of the file, newest first, the current one included; `version` names each."""
        raw = _native.text(path)
        given, held = options.get(self._snapshot, 0)
        try:
            return Listing(self._store, lib.jzse_versions_open, self._name, raw, given)
        finally:
            held.clear()

    def info(self) -> records.NamespaceInfo:
        """Counts and sizes, as of now."""
        found = _native.struct('jzse_namespace_info')
        self._store._call(lib.jzse_namespace_get, self._name, NULL, found)
        return records.namespace_info(found)

    @property
    def config(self) -> records.NamespaceConfig:
        """The policy."""
        found = _native.struct('jzse_namespace_config')
        self._store._call(lib.jzse_namespace_get, self._name, found, NULL)
        return records.namespace_config(found)

    def __iter__(self) -> Iterator[str]:
        return self.list().paths()

    def __len__(self) -> int:
        """How many files and symlinks; of a snapshot they are counted one by one."""
        if self._snapshot is not None:
            return sum(1 for _ in self)
        found = self.info()
        return found.file_count - found.directory_count

    def __contains__(self, path: object) -> bool:
        try:
            return self.stat(path).kind in ('file', 'symlink')  # type: ignore[arg-type]
        except errors.NotFoundError:
            return False
        except errors.InvalidError:
            return False  # such a path can hold nothing

    def __eq__(self, other: object) -> bool:
        return self is other  # not by content, as Mapping would

    def __hash__(self) -> int:
        return id(self)

    def export(self, fd: Any, *, prefix: str = '', versions: bool = False, progress: Any = None) -> records.ArchiveReport:
        """Writes the namespace as one archive to a file that has a descriptor; read it back with import_archive."""
        given, keep = _archive_options(prefix, versions)
        held = options.hold(given, self._snapshot)
        try:
            return _archive(self, lib.jzse_archive_export, fd, given, progress)
        finally:
            held.clear()
            del keep


class Namespace(NamespaceView, MutableMapping):  # type: ignore[type-arg]
    """A named set of files: ns['a/b'] = b'...', ns['a/b'], del ns['a/b'], 'a/b' in ns, for path in ns."""

    def put(self, path: str, data: Any, *, if_match: Optional[str] = None, if_none_match: Optional[str] = None,
            content_type: Optional[str] = None, metadata: Optional[MappingType[str, str]] = None, mtime_ns: int = 0,
            mode: int = 0, kind: str = 'file') -> records.FileInfo:
        """Stores `data`, any contiguous buffer, without a copy; do not change it before this returns. The change is then
        on disk and visible. if_match: the etag that the file must have ('*': it must exist); if_none_match='*': it must
        not exist. PreconditionError if that does not hold."""
        raw, buffer = _native.text(path), _native.buffer_of(data)
        given, keep = options.put(if_match, if_none_match, content_type, metadata, mtime_ns, mode, kind)
        scratch = _native.take()
        code = lib.jzse_put(self._shared.handle, self._name, raw, buffer, len(buffer), given, scratch.info,
                            scratch.error)
        del keep
        if code != 0:
            raise _native.fail(code, scratch.error, self._shared)
        found = records.file_info(os.fspath(path), scratch.info)
        _native.give(scratch)
        return found

    def __setitem__(self, path: str, data: Any) -> None:
        raw, buffer = _native.text(path), _native.buffer_of(data)
        scratch = _native.take()
        code = lib.jzse_put(self._shared.handle, self._name, raw, buffer, len(buffer), NULL, NULL, scratch.error)
        if code != 0:
            raise _native.fail(code, scratch.error, self._shared)
        _native.give(scratch)

    def put_file(self, path: str, source: Any, **put: Any) -> records.FileInfo:
        """Stores what is left to read in `source`: a descriptor, a file that has one, or the path of a local file."""
        if isinstance(source, (str, os.PathLike)):
            with io.open(source, 'rb', buffering=0) as file:
                return self.put_file(path, file, **put)
        raw, fd = _native.text(path), _descriptor(source)
        given, keep = options.put(**put)
        found = _native.struct('jzse_file_info')
        self._store._call(lib.jzse_put_fd, self._name, raw, fd, given, found)
        del keep
        return records.file_info(os.fspath(path), found)

    def set_metadata(self, path: str, *, content_type: Optional[str] = None,
                     metadata: Optional[MappingType[str, str]] = None, mtime_ns: int = 0, mode: int = 0,
                     if_match: Optional[str] = None) -> records.FileInfo:
        """Replaces content type, metadata, mtime and mode; the content stays."""
        given, keep = options.put(if_match, None, content_type, metadata, mtime_ns, mode)
        found = _native.struct('jzse_file_info')
        self._store._call(lib.jzse_metadata_set, self._name, _native.text(path), given, found)
        del keep
        return records.file_info(os.fspath(path), found)

    def delete(self, path: str, *, recursive: bool = False, if_match: Optional[str] = None) -> None:
        """Deletes a file or directory. The contents stay as versions, as far as the policy says."""
        given, keep = options.change(recursive=recursive, if_match=if_match)
        self._store._call(lib.jzse_delete, self._name, _native.text(path), given)
        del keep

    def __delitem__(self, path: str) -> None:
        self.delete(path)

    def copy(self, path: str, to: str, *, to_namespace: Optional[str] = None, replace: bool = True,
             if_match: Optional[str] = None) -> records.FileInfo:
        """Copies a file; within a namespace no content is moved."""
        given, keep = options.change(replace=replace, if_match=if_match)
        found = _native.struct('jzse_file_info')
        target = self._name if to_namespace is None else _native.text(to_namespace, 'namespace')
        self._store._call(lib.jzse_copy, self._name, _native.text(path), target, _native.text(to), given, found)
        del keep
        return records.file_info(os.fspath(to), found)

    def move(self, path: str, to: str, *, replace: bool = True, if_match: Optional[str] = None) -> None:
        """Moves a file, or a directory with everything below it, in one atomic change."""
        given, keep = options.change(replace=replace, if_match=if_match)
        self._store._call(lib.jzse_move, self._name, _native.text(path), _native.text(to), given)
        del keep

    def mkdir(self, path: str) -> None:
        """Makes a directory that exists also when it is empty. Others are implied by their files."""
        self._store._call(lib.jzse_mkdir, self._name, _native.text(path), NULL)

    def restore(self, path: str, version: int) -> records.FileInfo:
        """Makes an old version the newest one again; also undeletes."""
        found = _native.struct('jzse_file_info')
        self._store._call(lib.jzse_version_restore, self._name, _native.text(path), version, found)
        return records.file_info(os.fspath(path), found)

    def delete_version(self, path: str, version: int) -> None:
        """Forgets one older version for good."""
        self._store._call(lib.jzse_version_delete, self._name, _native.text(path), version)

    def group(self) -> Group:
        """Store.group with this namespace as the default."""
        return Group(self._store, self.name)

    def changes(self, prefix: str = '', *, after: int = 0, follow: bool = False) -> Feed:
        """Store.changes of this namespace."""
        return Feed(self._store, self.name, prefix, after, follow)

    def configure(self, **config: Any) -> records.NamespaceConfig:
        """Changes fields of the policy and gives the whole of it."""
        found = _native.struct('jzse_namespace_config')
        self._store._call(lib.jzse_namespace_get, self._name, found, NULL)
        self._store._call(lib.jzse_namespace_configure, self._name, config_of(found, config))
        return self.config

    def import_archive(self, fd: Any, *, versions: bool = False, progress: Any = None) -> records.ArchiveReport:
        """Puts an archive's files into the namespace, each as a new change."""
        given, _ = _archive_options('', versions)
        return _archive(self, lib.jzse_archive_import, fd, given, progress)


def config_of(struct: Any, changes: Dict[str, Any]) -> Any:
    """The struct with the fields named changed; words become numbers."""
    words = {'kind': records.NAMESPACE_KINDS, 'conflict': records.CONFLICTS, 'replication': records.REPLICATIONS}
    for field, value in changes.items():
        if field not in records.NamespaceConfig._fields:
            raise TypeError(f'a namespace has no setting {field!r}; it has {", ".join(records.NamespaceConfig._fields)}')
        if field in words:
            if value not in words[field]:
                raise errors.InvalidError(f'{field} must be one of {", ".join(words[field])}, not {value!r}')
            value = words[field].index(value)
        setattr(struct, field, value)
    return struct


def _descriptor(file: Any) -> int:
    if isinstance(file, int):
        return file
    if not hasattr(file, 'fileno'):
        raise TypeError(f'a descriptor or a file that has one is needed, not {type(file).__name__}')
    if hasattr(file, 'flush'):
        file.flush()
    number: int = file.fileno()
    return number


def _archive_options(prefix: str, versions: bool) -> Any:
    given = _native.struct('jzse_archive_options')
    keep = _native.text_or_null(prefix or None, 'prefix')
    given.prefix, given.versions = keep, versions
    return given, keep


def _archive(view: NamespaceView, function: Any, fd: Any, given: Any, progress: Any) -> records.ArchiveReport:
    report = _native.struct('jzse_archive_report')
    number = _descriptor(fd)
    with _native.Callbacks(progress) as callbacks:
        given.progress, given.context = lib.jzse_py_progress, callbacks.handle
        failed = view._store._try(function, view._name, number, given, report)
    if failed is not None:
        raise failed
    done: records.ArchiveReport = records.report(records.ArchiveReport, report)
    return done
