# SPDX-License-Identifier: Apache-2.0
"""JzSE: an embeddable storage engine for files.

    import jzse
    with jzse.open('mystore', create=True) as store:
        files = store['default']
        files['notes/hi.txt'] = b'hi'                      # on disk when this returns
        with files.open('notes/log.txt', 'w') as log:      # becomes the file, all at once, when it closes
            log.write('first line')
        for file in files.list('notes/'):
            print(file.path, file.size)

Every call lets go of the GIL. Objects may be shared by threads."""
from . import errors
from ._native import lib as _lib, string as _string
from .errors import (BusyError, ClosedError, CorruptError, Error, ExistsError, InvalidError, IoError, LockedError,
                     NoMemoryError, NoSpaceError, NotFoundError, PreconditionError, QuotaError, ReadOnlyError,
                     TimeoutError, TooLargeError, UnsupportedError)
from .aio import AsyncGroup, AsyncNamespace, AsyncStore
from .feed import Feed
from .files import Reader, Writer
from .group import Group
from .records import (ArchiveReport, Change, CompactReport, FileInfo, Metadata, NamespaceConfig, NamespaceInfo, Stats,
                   VerifyReport)
from .listing import Listing
from .namespace import Namespace, NamespaceView
from .snapshot import Snapshot
from .store import Store

open = Store
__version__: str = _string(_lib.jzse_version())

__all__ = ['open', 'Store', 'Namespace', 'NamespaceView', 'Snapshot', 'Group', 'Feed', 'Listing', 'Reader', 'Writer',
           'AsyncStore', 'AsyncNamespace', 'AsyncGroup', 'FileInfo', 'Metadata', 'NamespaceConfig', 'NamespaceInfo', 'Stats', 'Change', 'VerifyReport',
           'CompactReport', 'ArchiveReport', 'errors', 'Error', 'InvalidError', 'NotFoundError', 'ExistsError',
           'PreconditionError', 'TooLargeError', 'NoSpaceError', 'QuotaError', 'CorruptError', 'IoError', 'LockedError',
           'ReadOnlyError', 'UnsupportedError', 'ClosedError', 'TimeoutError', 'NoMemoryError', 'BusyError']
