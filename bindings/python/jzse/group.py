# SPDX-License-Identifier: Apache-2.0
"""Groups: several changes, one atomic and durable step."""
from types import TracebackType
from typing import Any, Optional, Type

from . import _native, options
from ._native import NULL, lib


class Group:
    """Gathers changes; commit() makes them durable and visible together. As a context manager it commits at the end, and
    aborts when the block raises. Later operations of a group see the earlier ones."""

    what = 'the group'

    def __init__(self, store: Any, namespace: str) -> None:
        self._namespace = _native.text(namespace, 'namespace')
        self._handle = _native.Child(store, self.what, 'jzse_group', lib.jzse_py_group_abort)
        self._handle.enter(lib.jzse_group_begin)

    @property
    def open(self) -> bool:
        """Whether it was neither committed nor aborted."""
        return self._handle.open

    def put(self, path: str, data: Any, *, namespace: Optional[str] = None, **put: Any) -> None:
        """Stores a file, with the options of Namespace.put."""
        buffer = _native.buffer_of(data)
        given, keep = options.put(**put)
        self._add(lib.jzse_group_put, namespace, _native.text(path), buffer, len(buffer), given)
        del keep

    def delete(self, path: str, *, recursive: bool = False, if_match: Optional[str] = None,
               namespace: Optional[str] = None) -> None:
        given, keep = options.change(recursive=recursive, if_match=if_match)
        self._add(lib.jzse_group_delete, namespace, _native.text(path), given)
        del keep

    def move(self, path: str, to: str, *, replace: bool = True, if_match: Optional[str] = None,
             namespace: Optional[str] = None) -> None:
        given, keep = options.change(replace=replace, if_match=if_match)
        self._add(lib.jzse_group_move, namespace, _native.text(path), _native.text(to), given)
        del keep

    def copy(self, path: str, to: str, *, to_namespace: Optional[str] = None, replace: bool = True,
             if_match: Optional[str] = None, namespace: Optional[str] = None) -> None:
        given, keep = options.change(replace=replace, if_match=if_match)
        target = self._name(to_namespace if to_namespace is not None else namespace)
        self._add(lib.jzse_group_copy, namespace, _native.text(path), target, _native.text(to), given)
        del keep

    def mkdir(self, path: str, *, namespace: Optional[str] = None) -> None:
        self._add(lib.jzse_group_mkdir, namespace, _native.text(path), NULL)

    def __setitem__(self, path: str, data: Any) -> None:
        self.put(path, data)

    def __delitem__(self, path: str) -> None:
        self.delete(path)

    def commit(self) -> None:
        """Makes all of it durable. The group is closed whatever this raises."""
        error, handle = _native.struct('jzse_error'), self._handle
        with handle.lock:
            handle.raise_if_closed()
            code = lib.jzse_py_group_commit(handle.slot, error)
            if code != 0:
                raise _native.fail(code, error)
            handle.close_locked()

    def abort(self) -> None:
        """Forgets all of it."""
        self._handle.close()

    close = abort

    def __del__(self) -> None:
        if hasattr(self, '_handle'):
            self._handle.close()

    def __enter__(self) -> 'Group':
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if kind is None and self.open:
            self.commit()
        else:
            self.abort()

    def _name(self, namespace: Optional[str]) -> bytes:
        return self._namespace if namespace is None else _native.text(namespace, 'namespace')

    def _add(self, function: Any, namespace: Optional[str], *arguments: Any) -> None:
        ns = self._name(namespace)
        error, handle = _native.struct('jzse_error'), self._handle
        with handle.lock:
            handle.raise_if_closed()
            code = function(handle.slot[0], ns, *arguments, error)
            if code != 0:
                raise _native.fail(code, error, handle)
