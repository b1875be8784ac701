# SPDX-License-Identifier: Apache-2.0
"""The store: opening, closing, namespaces, upkeep."""
import logging
import os
import threading
import warnings
from types import TracebackType
from typing import Any, Callable, Iterator, List, Optional, Set, Type, Union

from . import _native, errors, records
from ._native import NULL, ffi, lib
from .feed import Feed
from .group import Group
from .namespace import Namespace, config_of
from .snapshot import Snapshot

Log = Union[Callable[[int, str], Any], logging.Logger]
_IO = {'auto': 0, 'plain': 1, 'uring': 2}
_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)


class Store:
    """A store directory, opened. Any number of threads may use one Store; one process at a time may have it open.

        with jzse.open('mystore', create=True) as store:
            files = store['default']
            files['notes/hi.txt'] = b'hi'        # on disk when this returns

    Options are those of jzse_options in jzse.h; 0 means the default. `log` is a logging.Logger or a function of a level
    (0 error to 3 debug) and a line, called from any thread; it must not use the store."""

    what = 'the store'

    def __init__(self, path: Union[str, 'os.PathLike[str]'], *, create: bool = False, exclusive: bool = False,
                 read_only: bool = False, rebuild_index: bool = False, region: Optional[str] = None,
                 memory_limit: int = 0, free_space_reserve: int = 0, background_rate: int = 0, io: str = 'auto',
                 background: bool = True, log: Optional[Log] = None) -> None:
        self.path = os.fspath(path)
        self._lock = threading.RLock()
        self._children: Set[_native.Child] = set()
        options = _native.struct('jzse_options')
        options.flags = create | exclusive << 1 | read_only << 2 | rebuild_index << 3
        options.region = keep = _native.text_or_null(region, 'region')
        options.memory_limit = memory_limit
        options.free_space_reserve = free_space_reserve
        options.background_rate = background_rate
        if io not in _IO:
            raise errors.InvalidError(f'io must be one of {", ".join(_IO)}, not {io!r}')
        options.io_backend = _IO[io]
        options.background_off = not background
        self._log = _log_handle(log)
        if self._log is not None:
            options.log, options.log_context = lib.jzse_py_log, self._log
        self._slot, scratch = ffi.new('jzse_store **'), _native.take()
        code = lib.jzse_store_open(_native.text(self.path, 'the store\'s path'), options, self._slot, scratch.error)
        del keep
        if code != 0:
            raise _native.fail(code, scratch.error)
        _native.give(scratch)
        self._shared = _native.Shared(self._slot[0])
        self._shared.what = f'the store {self.path}'
        self._region = _native.string(lib.jzse_store_region(self._slot[0]))
        _native.remember(self)

    # ---- closing

    @property
    def closed(self) -> bool:
        return not self._shared.open

    def close(self) -> None:
        """Waits for calls under way in other threads, closes every file, listing, feed and snapshot opened from this
        store (a writer not yet closed is discarded), then the store. Everything used later raises ClosedError. Closing
        again does nothing."""
        if threading.get_ident() in _native.inside.copy().values():
            raise errors.BusyError('a callback of the store\'s own call cannot close the store')
        with self._lock:
            for child in self._children.copy():
                if child.held_here:
                    raise errors.BusyError(f'the store cannot be closed inside a call on {child.what}')
            if not self._slot[0]:
                return
            self._shared.drain()
            for child in self._children.copy():
                child.close()
            scratch = _native.take()
            code = lib.jzse_py_store_close(self._slot, scratch.error)
            if code == lib.JZSE_BUSY:
                self._shared.share(self._slot[0])
            if code != 0:
                raise _native.fail(code, scratch.error)
            _native.give(scratch)

    def _abandon(self) -> None:
        self._lock = threading.RLock()
        self._slot[0] = NULL
        self._shared.abandon()
        for child in self._children.copy():
            child.abandon()

    def __enter__(self) -> 'Store':
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, '_shared', None) is not None and self._slot[0]:
            warnings.warn(f'the store {self.path} was not closed', ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        return f'<jzse.Store {self.path!r}{" closed" if self.closed else ""}>'

    # ---- namespaces

    def __getitem__(self, name: str) -> Namespace:
        """The namespace of that name; NotFoundError (a KeyError) if there is none."""
        namespace = Namespace(self, name)
        namespace.info()
        return namespace

    def __contains__(self, name: object) -> bool:
        try:
            Namespace(self, name).info()  # type: ignore[arg-type]
        except (errors.NotFoundError, errors.InvalidError, TypeError):
            if self.closed:
                raise
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """The names of the namespaces, in order."""
        return (entry.name for entry in self.namespaces())

    def namespaces(self) -> List[records.NamespaceInfo]:
        """Every namespace and what it holds, in order of name."""
        found: List[records.NamespaceInfo] = []
        with _native.Callbacks(namespace=lambda entry: found.append(records.namespace_info(entry))) as callbacks:
            self._call(lib.jzse_namespace_list, lib.jzse_py_namespace, callbacks.handle)
        return found

    def create_namespace(self, name: str, *, exist_ok: bool = False, **config: Any) -> Namespace:
        """A new namespace; `config` takes the fields of NamespaceConfig, such as kind='keys' or versions_max=4."""
        initial = _native.struct('jzse_namespace_config')
        lib.jzse_py_namespace_config_init(initial)
        try:
            self._call(lib.jzse_namespace_create, _native.text(name, 'namespace'), config_of(initial, config))
        except errors.ExistsError:
            if not exist_ok:
                raise
        return Namespace(self, name)

    def drop_namespace(self, name: str) -> None:
        """Drops the namespace with all files and versions in it. Not undoable."""
        self._call(lib.jzse_namespace_drop, _native.text(name, 'namespace'))

    # ---- the whole store

    @property
    def region(self) -> str:
        """The name of the region that the store belongs to."""
        if not self._shared.open:
            raise _native.closed(self._shared)
        return self._region

    def stats(self) -> records.Stats:
        """Counts, sizes and what happened since the store was opened."""
        stats = _native.struct('jzse_stats')
        self._call(lib.jzse_store_stats, stats)
        return records.stats(stats)

    def snapshot(self) -> Snapshot:
        """One moment of the whole store: snapshot['default'] reads as of now, whatever is written meanwhile."""
        return Snapshot(self)

    def group(self, namespace: str = 'default') -> Group:
        """Several changes that become durable and visible together or not at all: `with store.group() as group:`."""
        return Group(self, namespace)

    def changes(self, namespace: Optional[str] = None, prefix: str = '', *, after: int = 0,
                follow: bool = False) -> Feed:
        """The changes with a sequence higher than `after`, in order. Ends when it has caught up, or with follow=True
        waits for what comes. Also an asynchronous iterator."""
        return Feed(self, namespace, prefix, after, follow)

    def verify(self, *, repair: bool = False, rate: int = 0,
               progress: Optional[Callable[[int, int], Any]] = None,
               problem: Optional[Callable[[str, str, int, str], Any]] = None) -> records.VerifyReport:
        """Reads everything and compares the index with the journal. CorruptError if something is wrong and was not
        repaired; its attribute `report` has the counts, and problem(namespace, path, version, what) was called for
        each. progress(done, total) in bytes; what returns true, or raises, stops the work."""
        options, report = _native.struct('jzse_verify_options'), _native.struct('jzse_verify_report')
        with _native.Callbacks(progress, problem) as callbacks:
            options.repair, options.rate, options.context = repair, rate, callbacks.handle
            options.progress, options.problem = lib.jzse_py_progress, lib.jzse_py_problem
            failed = self._try(lib.jzse_verify, options, report)
        found: records.VerifyReport = records.report(records.VerifyReport, report)
        if failed is not None:
            failed.report = found  # type: ignore[attr-defined]
            raise failed
        return found

    def compact(self, *, full: bool = False,
                progress: Optional[Callable[[int, int], Any]] = None) -> records.CompactReport:
        """Gives the space of what is dead back to the disk: where it pays, or with full=True wherever there is any."""
        options, report = _native.struct('jzse_compact_options'), _native.struct('jzse_compact_report')
        with _native.Callbacks(progress) as callbacks:
            options.full, options.context, options.progress = full, callbacks.handle, lib.jzse_py_progress
            failed = self._try(lib.jzse_compact, options, report)
        if failed is not None:
            raise failed
        done: records.CompactReport = records.report(records.CompactReport, report)
        return done

    # ---- calling

    def _try(self, function: Any, *arguments: Any) -> Optional[errors.Error]:
        """function(store, *arguments, &error); the error, if there was one."""
        scratch = _native.take()
        code = function(self._shared.handle, *arguments, scratch.error)
        if code != 0:
            return _native.fail(code, scratch.error, self._shared)
        _native.give(scratch)
        return None

    def _call(self, function: Any, *arguments: Any) -> None:
        failed = self._try(function, *arguments)
        if failed is not None:
            raise failed


def _log_handle(log: Optional[Log]) -> Any:
    if log is None:
        return None
    if isinstance(log, logging.Logger):
        logger = log
        return ffi.new_handle(lambda level, line: logger.log(_LEVELS[level], '%s', line))
    return ffi.new_handle(log)
