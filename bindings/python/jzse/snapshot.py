# SPDX-License-Identifier: Apache-2.0
"""Snapshots: one moment of the whole store."""
from typing import Any

from . import _native
from ._native import NULL, lib
from .namespace import NamespaceView


class Snapshot(_native.Child):
    """Reads and listings that agree with each other. While it is open the disk space of what it sees is not given back,
    so close it, or use it in a `with`. Any number of threads may read through one."""

    what = 'the snapshot'

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        with self._lock:  # the store may be closed, and we with it, as soon as there is a handle
            self.enter(lib.jzse_snapshot_open, 'jzse_snapshot')
            # Readers share the handle (rule 1 of _native), so it is drained before it is released.
            self._shared = _native.Shared(self._raw)
            #: of the newest change that it sees
            self.sequence: int = lib.jzse_snapshot_sequence(self._raw)

    def __getitem__(self, name: str) -> NamespaceView:
        view = NamespaceView(self._store, name, self)
        view.info()
        return view

    def close(self) -> None:
        with self._lock:  # until it is released: the store closes us too, and goes on only when no handle is left
            raw, self._raw = self._raw, NULL
            if raw is not NULL:
                if hasattr(self, '_shared'):
                    self._shared.drain()
                lib.jzse_snapshot_close(raw)

    def abandon(self) -> None:
        super().abandon()
        if hasattr(self, '_shared'):
            self._shared.abandon()

    def __enter__(self) -> 'Snapshot':
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
