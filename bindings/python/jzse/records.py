# SPDX-License-Identifier: Apache-2.0
"""What the store tells: plain tuples with names, made from the structs of jzse.h."""
from datetime import datetime, timezone
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ._native import ffi, string

KINDS = ('deleted', 'file', 'symlink', 'directory', 'prefix')
CHANGES = ('', 'put', 'delete', 'move', 'mkdir', 'metadata')
NAMESPACE_KINDS = ('tree', 'keys')
CONFLICTS = ('lww', 'fork', 'merge', 'manual')
REPLICATIONS = ('eager', 'lazy', 'on-demand')


class FileInfo(NamedTuple):
    """One version of one file, or an entry of a listing."""
    path: str
    kind: str                #: 'file', 'symlink', 'directory', 'deleted', or in listings with a delimiter 'prefix'
    size: int                #: bytes of content; of the target for a symlink
    mtime_ns: int            #: as given when put, else the time of the change; ns since 1970
    mode: int                #: POSIX permission bits as given, or 0
    changed_ms: int          #: time of the change by the store's clock, ms since 1970
    version: int             #: names this version; grows with every change in the store
    file_id: Tuple[int, int]  #: stable across moves
    etag: str                #: 64 hex digits of the content's identity; '' for directories

    @property
    def mtime(self) -> datetime:
        """mtime_ns as an aware datetime, in UTC."""
        return datetime.fromtimestamp(self.mtime_ns / 1e9, timezone.utc)


class Metadata(NamedTuple):
    """Content type and user metadata of a file."""
    content_type: str
    metadata: Dict[str, str]


class NamespaceConfig(NamedTuple):
    """The policy of a namespace; see jzse_namespace_config in jzse.h."""
    kind: str
    conflict: str
    replication: str
    versions_max: int
    compression: int
    versions_age_max_s: int
    quota_bytes: int
    quota_files: int
    chunk_min: int
    chunk_average: int
    chunk_max: int


class NamespaceInfo(NamedTuple):
    """What a namespace holds."""
    name: str
    file_count: int          #: live files, symlinks and explicit directories
    logical_bytes: int
    version_count: int
    version_bytes: int
    tombstone_count: int
    directory_count: int     #: explicit directories, which file_count includes


class Stats(NamedTuple):
    """What a store holds and has done; see jzse_stats in jzse.h."""
    read_only: bool
    store_id: Tuple[int, int]
    replica_id: int
    sequence: int
    namespace_count: int
    file_count: int
    logical_bytes: int
    version_count: int
    version_bytes: int
    tombstone_count: int
    chunk_count: int
    chunk_bytes: int
    disk_bytes: int
    segment_count: int
    commits: int
    changes: int
    syncs: int
    journal_bytes: int
    compacted_bytes: int
    corrupt_records: int
    recovered_changes: int
    index_rebuilt: bool
    uses_uring: bool


class Change(NamedTuple):
    """One entry of the change feed."""
    sequence: int            #: resume after this one
    type: str                #: 'put', 'delete', 'move', 'mkdir' or 'metadata'
    more: bool               #: the next change that this feed brings belongs to the same atomic group
    namespace: str
    path: str
    old_path: Optional[str]  #: for moves
    info: FileInfo


class VerifyReport(NamedTuple):
    """What verify read and found."""
    segments: int
    records: int
    bytes: int
    files: int
    versions: int
    chunks: int
    problems: int
    repaired: int


class CompactReport(NamedTuple):
    """What compact did."""
    segments: int
    bytes_before: int
    bytes_after: int
    versions_expired: int
    chunks_dropped: int
    tombstones_dropped: int


class ArchiveReport(NamedTuple):
    """What an export or import carried."""
    files: int
    versions: int
    bytes: int


def name_of(names: Tuple[str, ...], number: int) -> str:
    """The word for a number; a newer library may know more of them than we do."""
    return names[number] if number < len(names) else str(number)


def file_info(path: str, c: Any) -> FileInfo:
    return FileInfo(path, name_of(KINDS, c.kind), c.size, c.mtime_ns, c.mode, c.changed_ms, c.sequence,
                    (c.file_replica, c.file_counter), ffi.string(c.etag).decode())


def change(c: Any) -> Change:
    path = string(c.path)
    return Change(c.sequence, name_of(CHANGES, c.type), bool(c.more), string(c.ns), path,
                  string(c.old_path) if c.old_path else None, file_info(path, c.info))


def namespace_info(c: Any) -> NamespaceInfo:
    return NamespaceInfo(string(c.name), *(getattr(c, field) for field in NamespaceInfo._fields[1:]))


def namespace_config(c: Any) -> NamespaceConfig:
    words = {'kind': NAMESPACE_KINDS, 'conflict': CONFLICTS, 'replication': REPLICATIONS}
    return NamespaceConfig(*(name_of(words[field], getattr(c, field)) if field in words else getattr(c, field)
                             for field in NamespaceConfig._fields))


def stats(c: Any) -> Stats:
    flags = ('read_only', 'index_rebuilt', 'uses_uring')
    values = {field: getattr(c, field) for field in Stats._fields}
    values.update({field: bool(values[field]) for field in flags}, store_id=(c.store_id[0], c.store_id[1]))
    return Stats(**values)


def report(kind: Any, c: Any) -> Any:
    return kind(*(getattr(c, field) for field in kind._fields))
