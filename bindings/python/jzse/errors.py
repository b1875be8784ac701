# SPDX-License-Identifier: Apache-2.0
"""One exception for each code of jzse.h, below Error. Where Python has an exception of that meaning, ours is one too,
so `except FileNotFoundError` works as it does for files."""
import builtins
import errno
from typing import Dict, Optional, Type


class Error(Exception):
    """What every call of this package raises when the store says no. `code` is the JZSE_* code, `code_name` its name."""

    code: int = 0
    code_name: str = 'JZSE_?'
    _errno: Optional[int] = None

    def __init__(self, message: str = '') -> None:
        super().__init__(message)
        if self._errno is not None:
            setattr(self, 'errno', self._errno)  # where the exception is an OSError

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ''


class InvalidError(Error, ValueError):
    """An argument, a name or an option breaks its rules."""
    code, code_name = -1, 'JZSE_INVALID'


class NotFoundError(Error, FileNotFoundError, KeyError):
    """No such file, version, namespace or store."""
    code, code_name, _errno = -2, 'JZSE_NOT_FOUND', errno.ENOENT


class ExistsError(Error, FileExistsError):
    """Something is there already; also a file where a directory is needed, and a directory that is not empty."""
    code, code_name, _errno = -3, 'JZSE_EXISTS', errno.EEXIST


class PreconditionError(Error):
    """if_match or if_none_match did not hold: someone else was faster."""
    code, code_name = -4, 'JZSE_PRECONDITION'


class TooLargeError(Error, OSError):
    """Beyond a bound; the message names it."""
    code, code_name, _errno = -5, 'JZSE_TOO_LARGE', errno.EFBIG


class NoSpaceError(Error, OSError):
    """The disk is full, or the reserve that writes must leave is reached. Reads and deletes still work."""
    code, code_name, _errno = -6, 'JZSE_NO_SPACE', errno.ENOSPC


class QuotaError(Error, OSError):
    """The namespace's quota is reached."""
    code, code_name, _errno = -7, 'JZSE_QUOTA', errno.EDQUOT


class CorruptError(Error, OSError):
    """Stored bytes fail their check. They are never served."""
    code, code_name, _errno = -8, 'JZSE_CORRUPT', errno.EIO


class IoError(Error, OSError):
    """The operating system reported an error."""
    code, code_name, _errno = -9, 'JZSE_IO', errno.EIO


class LockedError(Error, OSError):
    """The store is open elsewhere; the message names the process id."""
    code, code_name, _errno = -10, 'JZSE_LOCKED', errno.EWOULDBLOCK


class ReadOnlyError(Error, PermissionError):
    """Opened read-only, a read-only disk, or writes stopped after a failed sync."""
    code, code_name, _errno = -11, 'JZSE_READ_ONLY', errno.EROFS


class UnsupportedError(Error, NotImplementedError):
    """A newer format, or a feature that this build lacks."""
    code, code_name = -12, 'JZSE_UNSUPPORTED'


class ClosedError(Error, ValueError):
    """The store or the handle is closed, belongs to the parent of a fork, or the work was cancelled."""
    code, code_name = -13, 'JZSE_CLOSED'


class TimeoutError(Error, builtins.TimeoutError):
    """The time given was over."""
    code, code_name, _errno = -14, 'JZSE_TIMEOUT', errno.ETIMEDOUT


class NoMemoryError(Error, MemoryError):
    """The library got no memory."""
    code, code_name = -15, 'JZSE_NO_MEMORY'


class BusyError(Error):
    """A bounded resource is used up at the moment; a later try may succeed."""
    code, code_name = -16, 'JZSE_BUSY'


BY_CODE: Dict[int, Type[Error]] = {
    kind.code: kind for kind in (
        InvalidError, NotFoundError, ExistsError, PreconditionError, TooLargeError, NoSpaceError, QuotaError,
        CorruptError, IoError, LockedError, ReadOnlyError, UnsupportedError, ClosedError, TimeoutError,
        NoMemoryError, BusyError)
}
