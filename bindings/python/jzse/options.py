# SPDX-License-Identifier: Apache-2.0
"""Option structs of jzse.h from keywords. Each function gives the struct, or NULL for all defaults, and what must live as
long as it is used."""
from typing import Any, List, Mapping, Optional, Tuple

from . import errors
from ._native import NULL, Held, ffi, struct, text_or_null

_PUT_KINDS = {'file': 0, 'symlink': 2, 'directory': 0}


def put(if_match: Optional[str] = None, if_none_match: Optional[str] = None, content_type: Optional[str] = None,
        metadata: Optional[Mapping[str, str]] = None, mtime_ns: int = 0, mode: int = 0,
        kind: str = 'file') -> Tuple[Any, List[Any]]:
    if kind not in _PUT_KINDS:
        raise errors.InvalidError(f'kind must be file or symlink, not {kind!r}')
    options = struct('jzse_put_options')
    keep = [text_or_null(if_match, 'if_match'), text_or_null(if_none_match, 'if_none_match'),
            text_or_null(content_type, 'content_type')]
    options.kind = _PUT_KINDS[kind]
    options.if_match, options.if_none_match, options.content_type = keep
    if metadata:
        pairs = ffi.new('jzse_pair[]', len(metadata))
        for pair, (key, value) in zip(pairs, metadata.items()):
            keep += [text_or_null(key, 'metadata'), text_or_null(value, 'metadata')]
            pair.key, pair.value = keep[-2:]
        options.metadata, options.metadata_count = pairs, len(metadata)
        keep.append(pairs)
    options.mtime_ns, options.mode = mtime_ns, mode
    return options, keep


def change(recursive: bool = False, replace: bool = True, if_match: Optional[str] = None) -> Tuple[Any, Any]:
    if not recursive and replace and if_match is None:
        return NULL, None
    options = struct('jzse_change_options')
    options.flags = bool(recursive) | (not replace) << 1
    options.if_match = keep = text_or_null(if_match, 'if_match')
    return options, keep


class _Nothing:
    def clear(self) -> None:
        pass


_NOTHING = _Nothing()


def get(snapshot: Any, version: int) -> Tuple[Any, Any]:
    """Clear the second when the call is over: it holds the snapshot's handle."""
    if snapshot is None and version == 0:
        return NULL, _NOTHING
    options = struct('jzse_get_options')
    options.version = version
    return options, hold(options, snapshot)


def hold(options: Any, snapshot: Any) -> Any:
    if snapshot is None:
        return _NOTHING
    held = Held(snapshot)
    options.snapshot = held.handle
    return held
