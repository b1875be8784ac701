# SPDX-License-Identifier: Apache-2.0
"""Groups: several changes, one atomic and durable step."""
from types import TracebackType
from typing import Any, Optional, Type

from . import _native, options
from ._native import NULL, lib


class Group(_native.Child):
    """Gathers changes; commit() makes them durable and visible together. As a context manager it commits at the end, and
    aborts when the block raises. Later operations of a group see the earlier ones."""

    what = 'the group'

    def __init__(self, store: Any, namespace: str) -> None:
        super().__init__(store)
        self._namespace = _native.text(namespace, 'namespace')
        self.enter(lib.jzse_group_begin, 'jzse_group')

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
        self._raise_if_closed()
        error = _native.struct('jzse_error')
        with self._lock:
            raw, self._raw = self._raw, NULL
            code = lib.jzse_group_commit(raw, error)
            if code != 0:
                raise _native.fail(code, error, self if raw is NULL else None)

    def abort(self) -> None:
        """Forgets all of it."""
        self.close()

    def release(self, raw: Any) -> None:
        lib.jzse_group_abort(raw)

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

    def _raise_if_closed(self) -> None:
        if self._raw is NULL:
            raise _native.closed(self)

    def _add(self, function: Any, namespace: Optional[str], *arguments: Any) -> None:
        ns = self._name(namespace)
        error = _native.struct('jzse_error')
        with self._lock:
            self._raise_if_closed()
            code = function(self._raw, ns, *arguments, error)
            if code != 0:
                raise _native.fail(code, error, self)
