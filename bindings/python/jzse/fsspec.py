# SPDX-License-Identifier: Apache-2.0
"""An fsspec file system, so that pandas, dask and whoever speaks fsspec read and write in a store:

    pandas.read_csv('jzse:///data/mystore!/tables/a.csv')               # namespace "default"
    pandas.read_csv('jzse:///data/mystore!photos/a.csv')                # namespace "photos"
    pandas.read_csv('jzse://tables/a.csv', storage_options={'store': '/data/mystore'})
    fsspec.filesystem('jzse', store=an_open_store)

In a URL the store ends at the first '!', and the namespace stands between it and the next slash. Without a store the
environment variable JZSE_STORE names it. One process at a time has a store open; within it, a Store of that directory
that is open already is used, and otherwise one is opened, created if it is not there, and kept until the process ends or
close() is called on the file system. So dask works with threads, not with processes."""
import os
import threading
from typing import Any, Dict, List, Optional, Tuple

from fsspec.compression import compr
from fsspec.core import get_compression
from fsspec.spec import AbstractFileSystem

from . import _native, errors
from .files import Reader, open_writer
from .namespace import Namespace
from .records import FileInfo
from .store import Store

_opening = threading.Lock()  # two threads must not both find the store closed and open it twice
_opened: Dict[str, Store] = {}


class JzseFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of one namespace. Paths have no slash at the beginning. Writes appear whole when the file is closed;
    directories are real in a namespace of kind tree, and in one of keys they are what their keys imply."""

    protocol = 'jzse'
    root_marker = ''
    cachable = True

    def __init__(self, store: Any = None, namespace: str = 'default', create: bool = True, **kwargs: Any) -> None:
        super().__init__(store=store, namespace=namespace, create=create, **kwargs)
        self.namespace = namespace
        self._create = create
        self._given = store

    # ---- the store behind it

    @property
    def store(self) -> Store:
        if isinstance(self._given, Store):
            return self._given
        path = self._given or os.environ.get('JZSE_STORE')
        if not path:
            raise errors.InvalidError('which store? jzse://STORE!/path, the option store=, or JZSE_STORE')
        return shared_store(os.fspath(path), self._create)

    @property
    def _ns(self) -> Namespace:
        return Namespace(self.store, self.namespace)

    def close(self) -> None:
        """Closes the store, if it was opened here."""
        with _opening:
            store = _opened.pop(os.path.realpath(self._given or os.environ.get('JZSE_STORE', '')), None) \
                if not isinstance(self._given, Store) else None
        if store is not None:
            store.close()

    # ---- names

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(p) for p in path]
        path = os.fspath(path)
        if path.startswith('jzse://') or path.startswith('jzse::'):
            _, _, path = _split(path)
        return path.strip('/')

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> Dict[str, str]:
        store, namespace, _ = _split(path)
        found = {'store': store, 'namespace': namespace}
        return {key: value for key, value in found.items() if value}

    def unstrip_protocol(self, name: str) -> str:
        namespace = '' if self.namespace == 'default' else self.namespace
        return f'jzse://{os.path.abspath(self.store.path)}!{namespace}/{self._strip_protocol(name)}'

    # ---- what is there

    def info(self, path: str, **_: Any) -> Dict[str, Any]:
        path = self._strip_protocol(path)
        if path == '':
            return _directory('')
        try:
            found = self._ns.stat(path)
        except errors.NotFoundError:
            with self._ns.list(path + '/', limit=1) as below:  # in a namespace of keys
                if next(below, None) is None:
                    raise
            return _directory(path)
        return _entry(found)

    def ls(self, path: str, detail: bool = True, **_: Any) -> List[Any]:
        path = self._strip_protocol(path)
        found: Dict[str, Dict[str, Any]] = {}
        with self._ns.list(path + '/' if path else '', delimiter='/') as entries:
            for entry in entries:
                if entry.path != path + '/':
                    found.setdefault(entry.path.rstrip('/'), _entry(entry))
        if not found:
            here = self.info(path)
            if here['type'] != 'directory':
                found[here['name']] = here
        return list(found.values()) if detail else list(found)

    def exists(self, path: str, **_: Any) -> bool:
        try:
            self.info(path)
        except (errors.NotFoundError, errors.InvalidError):
            if self.store.closed:
                raise
            return False
        return True

    def created(self, path: str) -> Any:
        return self.info(path)['created']

    def modified(self, path: str) -> Any:
        return self.info(path)['mtime']

    def checksum(self, path: str) -> str:
        etag: str = self.info(path)['etag']
        return etag

    ukey = checksum

    # ---- contents

    def open(self, path: str, mode: str = 'rb', block_size: Optional[int] = None, cache_options: Any = None,
             compression: Optional[str] = None, **kwargs: Any) -> Any:
        """As fsspec's, except that closing a compressing file closes the file below it, which commits it."""
        if compression is None or 'b' not in mode or 'r' in mode:
            return super().open(path, mode, block_size, cache_options, compression, **kwargs)
        below = super().open(path, mode, block_size, cache_options, **kwargs)
        kind = get_compression(path, compression)
        if kind is None:
            return below
        file = compr[kind](below, mode=mode[0])
        finish = file.close

        def close() -> None:
            finish()
            below.close()

        file.close = close
        return file

    def _open(self, path: str, mode: str = 'rb', block_size: Optional[int] = None, autocommit: bool = True,
              cache_options: Any = None, **kwargs: Any) -> Any:
        kwargs.pop('compression', None)
        path = self._strip_protocol(path)
        kind = mode.replace('b', '')
        if kind == 'r':
            reader = Reader(self._ns, path)
            reader.size, reader.blocksize = reader.info.size, self.blocksize  # type: ignore[attr-defined]
            return reader
        if kind not in ('w', 'a', 'x'):
            raise NotImplementedError(f'mode {mode}: files are written whole')
        return open_writer(self._ns, path, kind, kwargs, autocommit)

    def cat_file(self, path: str, start: Optional[int] = None, end: Optional[int] = None, **_: Any) -> bytes:
        path = self._strip_protocol(path)
        if start is None and end is None:
            return self._ns.read(path)
        with Reader(self._ns, path) as reader:
            first, last, _step = slice(start, end).indices(reader.info.size)
            reader.seek(first)
            return reader.read(max(0, last - first))

    def pipe_file(self, path: str, value: Any, mode: str = 'overwrite', **kwargs: Any) -> None:
        if mode == 'create':
            kwargs['if_none_match'] = '*'
        try:
            self._ns.put(self._strip_protocol(path), value, **kwargs)
        except errors.PreconditionError as failed:
            if mode == 'create':
                raise errors.ExistsError(str(failed)) from None
            raise

    def touch(self, path: str, truncate: bool = True, **_: Any) -> None:
        path = self._strip_protocol(path)
        if truncate or not self.exists(path):
            self._ns.put(path, b'')
        else:
            raise NotImplementedError('touch without truncating')

    # ---- changes

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        path = self._strip_protocol(path)
        if self._ns.config.kind == 'tree' and path:
            parent = path.rpartition('/')[0]
            if not create_parents and parent and not self.exists(parent):
                raise errors.NotFoundError(f'{parent}: no such directory')
            self._ns.mkdir(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        path = self._strip_protocol(path)
        if path and not (exist_ok and self.isdir(path)):
            self.mkdir(path)

    def rmdir(self, path: str) -> None:
        path = self._strip_protocol(path)
        if not self.isdir(path):
            raise NotADirectoryError(path)
        if self._ns.config.kind == 'tree':
            self._ns.delete(path)

    def rm_file(self, path: str) -> None:
        self._ns.delete(self._strip_protocol(path))

    _rm = rm_file

    def rm(self, path: Any, recursive: bool = False, maxdepth: Optional[int] = None) -> None:
        if not isinstance(path, list) and recursive and maxdepth is None and self._ns.config.kind == 'tree' \
                and not any(c in path for c in '*?['):
            path = self._strip_protocol(path)
            if path:
                self._ns.delete(path, recursive=True)  # one atomic change
                return
        paths = self.expand_path(path, recursive=recursive, maxdepth=maxdepth)
        for one in sorted(paths, reverse=True):
            if one and self._ns.exists(one) and (recursive or self.isfile(one) or not isinstance(path, str)):
                try:
                    self._ns.delete(one)
                except errors.NotFoundError:
                    pass  # a directory that only its files implied

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
        else:
            self._ns.copy(path1, path2)

    def mv(self, path1: str, path2: str, recursive: bool = False, maxdepth: Optional[int] = None,
           **kwargs: Any) -> None:
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        if self._ns.config.kind == 'tree' and maxdepth is None and path1 != path2 and self.exists(path1):
            if self.isdir(path2):
                path2 = f'{path2}/{path1.rpartition("/")[2]}'
            self._ns.move(path1, path2)  # one atomic change
        else:
            super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)

    mv_file = mv


def shared_store(path: str, create: bool = True) -> Store:
    """The Store of that directory that this process has open, or a new one."""
    real = os.path.realpath(path)
    with _opening:
        for store in _native.stores():
            if not store.closed and os.path.realpath(store.path) == real:
                found: Store = store
                return found
        _opened[real] = Store(real, create=create)
        return _opened[real]


def _split(url: str) -> Tuple[str, str, str]:
    """(store, namespace, path) of jzse://STORE!NAMESPACE/path, or ('', '', path)."""
    rest = url[len('jzse://'):] if url.startswith('jzse://') else url.partition('::')[2]
    store, mark, inner = rest.partition('!')
    if not mark:
        return '', '', rest.strip('/')
    namespace, _, path = inner.partition('/')
    return store, namespace, path.strip('/')


def _directory(path: str) -> Dict[str, Any]:
    return {'name': path, 'type': 'directory', 'size': 0, 'created': None, 'mtime': None, 'etag': ''}


def _entry(found: FileInfo) -> Dict[str, Any]:
    if found.kind in ('directory', 'prefix'):
        return _directory(found.path.rstrip('/'))
    return {'name': found.path, 'type': 'file', 'size': found.size, 'created': found.mtime, 'mtime': found.mtime,
            'etag': found.etag, 'version': found.version, 'islink': found.kind == 'symlink'}


def _register() -> None:
    """For checkouts; an installed package has an entry point."""
    import fsspec
    fsspec.register_implementation('jzse', JzseFileSystem, clobber=True)


_register()
