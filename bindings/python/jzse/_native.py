# SPDX-License-Identifier: Apache-2.0
"""How a call enters the library, and how its answer comes back.

Rules that every module here keeps
  1. No call may meet a handle that is being released. cffi lets go of the GIL in every call, so another thread may close
     the store meanwhile. A shared handle (Shared) is therefore a cdata object that callers pass straight from the
     attribute into the call: while the call runs, the interpreter's stack holds a reference to it, and closing waits
     until the last reference is gone. That costs a call nothing. It works as long as nobody keeps such an object in a
     variable (a traceback would keep it alive) and nothing of Python runs between loading it and the call; so all other
     arguments are made first.
  2. Handles that belong to one thread at a time (Child) have a lock of their own and are released under it. Each store
     knows its open ones until they are released, whatever became of the object in front: weak references would not do,
     for the garbage collector clears them before it runs finalisers.
     A signal handler that would close what its own thread is inside of gets a BusyError, for nothing may be released between
     a call and the use of what it lent.
  3. A handle lives in a cell that C fills and empties (`slot`, `T **`), never in a variable of Python: a signal handler
     may raise between any two steps, and would lose it.
  4. A closed handle is NULL. jzse.h answers JZSE_INVALID to NULL, and fail() tells that from a real JZSE_INVALID.
  5. A forked child abandons what its parent opened: the handles become NULL there, and are not released.
  6. At exit all stores are closed while threads can still run, so that no thread of the library is left to meet an
     interpreter that is gone. (Threads that are no daemons are waited for by Python before that.)"""
import atexit
import os
import threading
import weakref
from _thread import allocate_lock
from typing import Any, Dict, List, Optional

from . import errors
from ._cffi import ffi, lib

NULL = ffi.NULL


def text(value: Any, what: str = 'path') -> bytes:
    """The UTF-8 of a str or of a path object, as the C side takes it."""
    if not isinstance(value, str):
        value = _path_text(value, what)
    raw: bytes = value.encode()
    if b'\0' in raw:
        raise errors.InvalidError(f'{what} has a NUL character: {value!r}')
    return raw


def _path_text(value: Any, what: str) -> str:
    if not isinstance(value, (bytes, bytearray)) and hasattr(value, '__fspath__'):
        value = os.fspath(value)
        if isinstance(value, str):
            return value
    raise TypeError(f'{what} must be str, not {type(value).__name__}')


def text_or_null(value: Any, what: str) -> Any:
    return NULL if value is None else ffi.new('char[]', text(value, what))


def buffer_of(data: Any) -> Any:
    """The bytes of any contiguous buffer, where they are."""
    if isinstance(data, str):
        raise TypeError('data must be bytes-like, not str: encode it, or open the file in text mode')
    try:
        return ffi.from_buffer(data)
    except TypeError:
        raise TypeError(f'data must be a contiguous bytes-like object, not {type(data).__name__}') from None


def string(pointer: Any) -> str:
    return ffi.string(pointer).decode('utf-8', 'surrogateescape')


class Scratch:
    """The outputs of one call. Reused through a pool: allocating them costs a quarter of a small read. Not one for each
    thread, because a signal handler or a finaliser may make a call of its own in the middle of another."""

    __slots__ = ('error', 'data', 'size', 'info')

    def __init__(self) -> None:
        self.error = ffi.new('jzse_error *')
        self.error.struct_size = ffi.sizeof('jzse_error')
        self.data = ffi.new('void **')
        self.size = ffi.new('size_t *')
        self.info = ffi.new('jzse_file_info *')
        self.info.struct_size = ffi.sizeof('jzse_file_info')


_pool: List[Scratch] = []


def take() -> Scratch:
    try:
        return _pool.pop()
    except IndexError:
        return Scratch()


give = _pool.append


def fail(code: int, error: Any, handle: Optional[Any] = None) -> errors.Error:
    """The exception for a code; `handle` is the Shared or Child that the call went to."""
    if code == lib.JZSE_INVALID and handle is not None and not handle.open:
        return closed(handle)
    message = string(error.message) if error else ''
    return errors.BY_CODE.get(code, errors.Error)(message or string(lib.jzse_code_name(code)))


def closed(handle: Any) -> errors.ClosedError:
    if handle.forked:
        return errors.ClosedError(f'{handle.what} was opened by the parent of this process; open the store here again')
    return errors.ClosedError(f'{handle.what} is closed')


def struct(kind: str) -> Any:
    made = ffi.new(kind + ' *')
    made.struct_size = ffi.sizeof(kind)
    return made


class Room:
    """Where a content is read to: a small one into the struct, a large one straight into the bytes object it becomes."""

    __slots__ = ('struct', 'small', 'handle', 'large', 'failed', 'error')

    def __init__(self) -> None:
        self.struct = ffi.new('jzse_py_room *')
        self.small = ffi.buffer(self.struct.small)
        self.handle = ffi.new_handle(self)
        self.struct.large = self.handle
        self.large: Optional[bytes] = None
        self.failed: Optional[BaseException] = None
        self.error = ffi.new('jzse_error *')
        self.error.struct_size = ffi.sizeof('jzse_error')

    def take(self) -> bytes:
        """The large content."""
        content, self.large = self.large, None
        assert content is not None
        return content


rooms: List[Room] = []
SMALL = 65536  # as in make_native.py


@ffi.def_extern(error=NULL)
def jzse_py_large(context: Any, size: int) -> Any:
    room: Room = ffi.from_handle(context)
    try:
        room.large = bytes(size)  # nobody else knows this object yet, so it may still be filled
        return ffi.from_buffer(room.large)
    except BaseException as error:  # MemoryError; it must come out of the call
        room.failed = error
        return NULL


class Descriptor:
    """A duplicate of a handle's descriptor. Whoever waits on it holds it, so the handle may be closed meanwhile."""

    def __init__(self, number: int, what: str) -> None:
        if number < 0:
            raise errors.BusyError(f'{what} has no descriptor to wait on')
        self.number = os.dup(number)

    def __del__(self) -> None:
        if hasattr(self, 'number'):
            os.close(self.number)


class Shared:
    """A handle that many threads use at once: see rule 1."""

    what = 'the handle'

    def __init__(self, raw: Any) -> None:
        self.forked = False
        self.holders: Dict[int, int] = {}  # Held objects by id, with their threads
        self.share(raw)

    def share(self, raw: Any) -> None:
        """Lets calls in; also again after drain, when the library did not release the handle."""
        quiet = self._quiet = allocate_lock()  # as plain as it is, a signal handler may wait for it inside another wait
        quiet.acquire()
        self.handle = ffi.gc(raw, lambda _: quiet.release())

    @property
    def open(self) -> bool:
        return self.handle is not NULL

    @property
    def held_here(self) -> bool:
        """Whether this thread would wait for itself: a signal handler or finaliser that closes what it interrupted."""
        return threading.get_ident() in self.holders.copy().values()

    def drain(self) -> None:
        """Turns new calls away and waits for those under way; then the handle may be released."""
        self.handle = NULL
        with self._quiet:
            pass

    def abandon(self) -> None:
        self.handle = NULL
        self.forked = True


class Held:
    """A Shared's handle in a struct for a call: until clear(), its closing waits."""

    def __init__(self, owner: Any) -> None:
        self._shared = owner._shared
        self._shared.holders[id(self)] = threading.get_ident()
        self.handle = self._shared.handle
        if self.handle is NULL:
            raise closed(owner)

    def clear(self) -> None:
        self.handle = None
        self._shared.holders.pop(id(self), None)

    __del__ = clear  # if a signal handler raised in the middle of it


class Child:
    """A handle opened from a store, for one thread at a time: see rule 2. The object that people use stands in front of it
    and closes it when forgotten; closing the store closes it, too. `kind` as in jzse.h; `release` takes the slot."""

    def __init__(self, store: Any, what: str, kind: str, release: Any) -> None:
        self.what = what
        self.lock: Any = threading.RLock()
        self.forked = False
        self._store = store  # which lives as long as the object in front
        self.slot = ffi.new(kind + ' **')
        self._release = release
        self._open_ones = store._children

    @property
    def open(self) -> bool:
        return bool(self.slot[0])

    def enter(self, function: Any, *arguments: Any, then: Any = ()) -> None:
        """Opens the handle: function(store, *arguments, &handle, *then, &error)."""
        scratch, shared = take(), self._store._shared
        with self.lock:  # whoever closes the store finds us among its children, and waits here for the handle
            self._open_ones.add(self)
            code = function(shared.handle, *arguments, self.slot, *then, scratch.error)
            if code != 0:
                self._open_ones.discard(self)
                raise fail(code, scratch.error, shared)
        give(scratch)

    def before_release(self) -> None:
        pass

    def close(self) -> None:
        """Releases the handle. Later use raises ClosedError; closing again does nothing."""
        if self.held_here:
            raise errors.BusyError(f'{self.what} cannot be closed inside a call on it')
        with self.lock:
            self.close_locked()

    def close_locked(self) -> None:
        """The same at the end of a call on it."""
        if self.slot[0]:
            self.before_release()
            self._release(self.slot)
        self._open_ones.discard(self)

    def raise_if_closed(self) -> None:
        if not self.slot[0]:
            raise closed(self)

    @property
    def held_here(self) -> bool:
        """Whether this thread is inside a call on it: this is a signal handler then."""
        return bool(self.lock._is_owned())

    def abandon(self) -> None:
        self.lock = threading.RLock()
        self.slot[0] = NULL
        self.forked = True


# By id; not a WeakSet, which cannot be looked through while another thread opens a store.
_stores: 'Dict[int, weakref.ref[Any]]' = {}


def remember(store: Any) -> None:
    key = id(store)
    _stores[key] = weakref.ref(store, lambda _: _stores.pop(key, None))


def stores() -> List[Any]:
    """The stores that this process has, closed ones among them."""
    return [store for store in (reference() for reference in _stores.copy().values()) if store is not None]


def _after_fork() -> None:
    for store in stores():
        store._abandon()


def _at_exit() -> None:
    Callbacks.ending = True
    for store in stores():
        try:
            store.close()
        except errors.Error:
            pass  # nobody is left to tell, and what was acknowledged is on disk


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


# ---- callbacks

inside: Dict[int, int] = {}  # Callbacks by id, with their threads; one of these cannot wait for its own call to end


class Callbacks:
    """What the library calls back into. An exception there stops the work and is raised again when the call returns. The
    interpreter's exit stops it, too."""

    ending = False

    def __init__(self, progress: Any = None, problem: Any = None, namespace: Any = None) -> None:
        self.progress, self.problem, self.namespace = progress, problem, namespace
        self.error: Optional[BaseException] = None
        self.handle = ffi.new_handle(self)

    def __enter__(self) -> 'Callbacks':
        inside[id(self)] = threading.get_ident()
        return self

    def __del__(self) -> None:
        inside.pop(id(self), None)  # if a signal handler raised before __exit__ could begin

    def __exit__(self, *_: Any) -> None:
        inside.pop(id(self), None)
        error, self.error = self.error, None
        if error is not None:
            raise error

    def run(self, function: Any, *arguments: Any) -> int:
        if self.error is not None or Callbacks.ending:
            return 1
        try:
            return 1 if function is not None and function(*arguments) else 0
        except BaseException as error:  # KeyboardInterrupt too: it must come out of the call, not vanish
            self.error = error
            return 1


@ffi.def_extern(error=1)
def jzse_py_namespace(context: Any, info: Any) -> int:
    callbacks: Callbacks = ffi.from_handle(context)
    return callbacks.run(callbacks.namespace, info)


@ffi.def_extern(error=1)
def jzse_py_progress(context: Any, done: int, total: int) -> int:
    callbacks: Callbacks = ffi.from_handle(context)
    return callbacks.run(callbacks.progress, done, total)


@ffi.def_extern()
def jzse_py_problem(context: Any, ns: Any, path: Any, version: int, problem: Any) -> None:
    callbacks: Callbacks = ffi.from_handle(context)
    if callbacks.problem is not None:
        callbacks.run(callbacks.problem, string(ns), string(path), version, string(problem))


@ffi.def_extern()
def jzse_py_log(context: Any, level: int, line: Any) -> None:
    ffi.from_handle(context)(level, string(line))

