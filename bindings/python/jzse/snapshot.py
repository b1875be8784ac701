# SPDX-License-Identifier: Apache-2.0
"""Snapshots: one moment of the whole store."""
from typing import Any

from . import _native
from ._native import lib
from .namespace import NamespaceView


class _Handle(_native.Child):
    """Readers share the handle (rule 1 of _native), so it is drained before it is released."""

    shared: Any = None

    def before_release(self) -> None:
        if self.shared is not None:
            self.shared.drain()

    @property
    def held_here(self) -> bool:
        return super().held_here or self.shared is not None and self.shared.held_here

    def abandon(self) -> None:
        super().abandon()
        if self.shared is not None:
            self.shared.abandon()


class Snapshot:
    """Reads and listings that agree with each other. While it is open the disk space of what it sees is not given back,
    so close it, or use it in a `with`. Any number of threads may read through one."""

    what = 'the snapshot'

    def __init__(self, store: Any) -> None:
        self._store = store
        self._handle = handle = _Handle(store, self.what, 'jzse_snapshot', lib.jzse_py_snapshot_close)
        with handle.lock:  # the store may be closed, and we with it, as soon as there is a handle
            handle.enter(lib.jzse_snapshot_open)
            handle.shared = self._shared = _native.Shared(handle.slot[0])
            #: of the newest change that it sees
            self.sequence: int = lib.jzse_snapshot_sequence(handle.slot[0])

    @property
    def forked(self) -> bool:
        return self._handle.forked

    def __getitem__(self, name: str) -> NamespaceView:
        view = NamespaceView(self._store, name, self)
        view.info()
        return view

    def close(self) -> None:
        """Gives the disk space of what only it sees free. Reading through it raises ClosedError from now on."""
        self._handle.close()

    def __del__(self) -> None:
        if hasattr(self, '_handle'):
            self._handle.close()

    def __enter__(self) -> 'Snapshot':
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
