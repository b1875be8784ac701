#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a JzSE store without JzSE: the proof that docs/format.md is enough.   read_store.py STORE [OUT]

Prints every live file as a line of JSON, checks all that it reads, and writes the files of trees below OUT/NAMESPACE.
Damage goes to standard error, and the exit code is 1. Debian: python3-xxhash, python3-zstandard."""
import hashlib, json, pathlib, re, struct, sys, xxhash, zstandard  # noqa: E401

COMMIT, BULK, COLD = CHANGE, NAMESPACE, VERSION_DROP = 1, 2, 3
CHUNK, problems = 4, []
def xxh3(data, seed=0):
    return xxhash.xxh3_128_intdigest(data, seed).to_bytes(16, 'little')

class Payload:
    def __init__(self, data): self.data, self.at = data, 0
    def number(self, size): return int.from_bytes(self.take(size), 'little')
    def bytes(self): return self.take(self.varint())
    def text(self): return self.bytes().decode()
    def dot(self, own, form): return own if form == 0 else (own[0] if form == 1 else self.number(8), self.varint())
    def take(self, size):
        self.at += size
        return bytes(self.data[self.at - size:self.at])
    def varint(self, shift=0):
        byte = self.number(1)
        return (byte & 127) << shift | (self.varint(shift + 7) if byte > 127 else 0)
    def content(self, is_chunk):  # how a change or a chunk ends
        start, encoding = self.at, self.number(1)
        size = self.varint() if is_chunk or encoding == 2 else 0
        data, self.at = bytes(self.data[self.at:]), start
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size) if encoding == 2 else data
    def file(self, sequence):
        flags, own, path = self.number(1), (self.number(8), self.varint()), self.text()
        flags & 2 and self.dot(own, self.number(1)), flags & 4 and self.number(8)
        states = [self.state(own, flags & 16) for _ in range(self.varint() if flags & 1 else 1)]
        return own, dict(max(states, key=lambda state: state['rank']), path=path, version=sequence)
    def state(self, own, ancestors):
        bits = self.number(1)
        kind, storage = ('deleted', 'file', 'symlink', 'directory')[bits & 3], bits >> 2 & 3
        dot, stamp = self.dot(own, bits >> 4 & 3), self.number(8)
        size, etag = (self.varint(), self.take(32).hex()) if kind in ('file', 'symlink') else (0, '')
        root, reference = self.bytes() if storage == 2 else None, self.varint() if storage == 3 else None
        mode, mtime = self.varint(), self.varint() if bits & 64 else (stamp >> 16) * 2000000  # zigzag
        media, pairs = (self.text(), self.varint()) if bits & 128 else ('', 0)
        metadata = {self.text(): self.text() for _ in range(pairs)}
        [self.dot(own, self.number(1)) for _ in range(self.varint() if ancestors else 0)]
        rank = kind != 'deleted', stamp, dot[0], etag
        return dict(kind=kind, size=size, etag=etag, mode=mode, mtime_ns=mtime >> 1 ^ -(mtime & 1), content_type=media,
                    metadata=metadata, root=root, reference=reference, rank=rank)

class Segment:
    def __init__(self, path, store):
        self.name, self.store, data = path.name, store, memoryview(path.read_bytes())
        assert data[:8] == b'JZSESEG\1' and xxh3(data[:4080]) == data[4080:4096], f'{path}: its header is damaged'
        form, self.stream, cipher, *owner, self.id, _, self.first, self.before = struct.unpack_from('<IBB2x6Q', data, 8)
        assert (form, cipher, owner) == (1, 0, store), f'{path}: of another format or store'
        self.replaces = struct.unpack_from('<%dQ' % struct.unpack_from('<I', data, 340), data, 344)
        self.data, at = data, len(data) - 64
        self.sealed = at >= 4096 and xxh3(data[at:at + 48], self.seed(at)) == data[at + 48:]
        trailer = struct.unpack_from('<8x5Q', data, at) if self.sealed else (len(data), 0, 0, 0, 0)
        self.end, _, self.count, _, self.durable = trailer
    def seed(self, at): return xxhash.xxh3_64_intdigest(struct.pack('<4Q', *self.store, self.id, at))
    def scan(self):  # all valid records, wherever they lie
        at, something = 4096, re.compile(rb'[^\0]')
        while (found := something.search(self.data, at, self.end)) and found.start() < self.end - 31:
            at = found.start() // 8 * 8
            head, place, sequence = struct.unpack_from('<IIQ', self.data, at)
            kind, length = head >> 24, head & 0xffffff
            end = at + 16 + (length + 7) // 8 * 8
            if CHANGE <= kind <= CHUNK and xxh3(self.data[at:end], self.seed(at)) == self.data[end:end + 16]:
                yield kind, place >> 24, place & 0xffffff, sequence, self.data[at + 16:at + 16 + length]
                at = end + 8
            at += 8
    def records(self):  # (kind, sequence, payload) of what counts: of a commit group all or nothing
        groups, durable, found, expected = {}, self.durable, 0, self.first
        for kind, flags, position, sequence, payload in self.scan():
            count, known = struct.unpack_from('<4xIQ', payload) if flags & 1 else (0, 0)
            group = groups.setdefault(sequence - position if self.stream == COMMIT else 0, [0])
            group[0], durable, found = max(group[0], count), max(durable, known), found + 1
            group.append((kind, sequence, payload[24:] if flags & 1 else payload))
        for first, (count, *members) in sorted(groups.items()):
            if self.stream == COMMIT and count != len(members) and first > durable:
                break  # the torn tail
            if self.stream == COMMIT and (count != len(members) or first != expected):
                problems.append(f'{self.name}: damaged near change {expected}')
            yield from members
            expected = members[-1][1] + 1
        if self.sealed and found != self.count or self.stream == COMMIT and expected <= durable:
            problems.append(f'{self.name}: records are damaged')

class Store:
    def __init__(self, path):
        self.namespaces, self.files, self.inline, self.chunks = {}, {}, {}, {}
        text = pathlib.Path(path, 'JZSE').read_bytes()
        words = dict(line.split(' ', 1) for line in text.decode().splitlines())
        assert words['format'] == '1' and xxh3(text[:text.rindex(b'check')])[::-1].hex() == words['check'], 'no store'
        store = [int(words['store'][16:], 16), int(words['store'][:16], 16)]
        paths = sorted(pathlib.Path(path, 'segments').glob('[0-9a-f]' * 16 + '.seg'))
        by_id = {segment.id: segment for segment in (Segment(path, store) for path in paths)}
        listed = set(self.census(pathlib.Path(path, 'SEGMENTS'), store, by_id))
        gone = {i for s in by_id.values() if s.sealed for i in s.replaces}
        problems.extend(f'{i:016x}.seg: the segment is missing' for i in sorted(listed - {*by_id} - gone))
        gone |= {i for i, s in by_id.items() if s.stream == COLD and not s.sealed and {*s.replaces} <= {*by_id, *gone}}
        for s in [s for s in by_id.values() if s.stream == COMMIT and s.before in by_id]:
            by_id[s.before].durable = max(by_id[s.before].durable, s.first - 1)
        for record in (record for i, s in by_id.items() if i not in gone for record in s.records()):
            self.add(*record)
    def census(self, path, store, by_id):  # the ids that it lists; it knows the trailers, too
        data = path.read_bytes() if path.exists() else None
        if data and (data[:8] != b'JZSECEN\1' or [*struct.unpack_from('<2Q', data, 8)] != store or xxh3(data[:-16]) != data[-16:]):
            data = problems.append('SEGMENTS: the census is damaged')
        listed, id = Payload(data[24:-16] if data else b''), 0
        while listed.at < len(listed.data):
            id, kind = id + listed.varint(), listed.number(1)
            end, _, count, first, span = (listed.varint() if kind & 4 else 0 for _ in range(5))
            yield id
            if kind & 4 and id in by_id and not by_id[id].sealed:
                s = by_id[id]
                s.sealed, s.end, s.count, s.durable = True, min(end, len(s.data)), count, first + span
                problems.append(f'{by_id[id].name}: its trailer is damaged')
    def add(self, kind, sequence, data):
        namespace = (payload := Payload(data)).varint()
        if kind == CHUNK:
            key, value, known = (namespace, payload.take(32)), payload, self.chunks
        elif kind == NAMESPACE:
            dropped, name, _, keys = payload.number(1) == 2, payload.text(), payload.varint(), payload.number(1)
            key, value, known = namespace, (dropped, name, keys), self.namespaces
        elif kind == CHANGE:
            payload.number(1), payload.varint(), payload.varint(), payload.bytes()
            own, value = Payload(payload.bytes()).file(sequence)
            key, known, self.inline[sequence] = (namespace, own), self.files, payload
        if kind != VERSION_DROP and known.get(key, (0,))[0] <= sequence:
            known[key] = sequence, value
    def content(self, namespace, file):
        root, inline = file['root'], file['reference'] or file['version']
        data = self.node(namespace, root) if root else self.inline[inline].content(False)
        assert hashlib.sha256(root or data).hexdigest() == file['etag'] and len(data) == file['size'], 'damaged'
        return data
    def node(self, namespace, encoded):
        node = Payload(encoded)
        magic, level, pieces = node.number(1), node.number(1), []
        for hash, size in [(node.take(32), node.varint()) for _ in range(node.varint())]:
            piece = self.chunks[namespace, hash][1].content(True)
            assert magic == 0x4e and hashlib.sha256(piece).digest() == hash, 'a chunk is damaged'
            pieces.append(self.node(namespace, piece) if level else piece)
            assert len(pieces[-1]) == size, 'a piece has another size'
        return b''.join(pieces)

def main(path, out=None):
    store = Store(path)
    for (number, _), (_, file) in sorted(store.files.items(), key=lambda item: (item[0][0], item[1][1]['path'])):
        (dropped, name, keys), kind, data = store.namespaces[number][1], file['kind'], b''
        if not dropped and kind != 'deleted':
            print(json.dumps({'namespace': name, **file}, default=lambda root: None))
            try:
                data = store.content(number, file) if kind != 'directory' else b''
            except (AssertionError, LookupError) as error:
                problems.append(f'{name}:{file["path"]}: {error!r}')
            if out and not keys:
                target = pathlib.Path(out, name, file['path'])
                (target if kind == 'directory' else target.parent).mkdir(parents=True, exist_ok=True)
                kind == 'symlink' and target.symlink_to(data.decode())
                kind == 'file' and target.write_bytes(data)
    sys.exit('\n'.join(problems) or 0)

main(*sys.argv[1:])
