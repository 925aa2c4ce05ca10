#!/usr/bin/env python3
"""Read arc-archive/1 archives, format tar.zst: a second reader, independent of Arc's own.

    python3 tools/read_archive.py list ARCHIVE          one line of JSON per entry, from the index alone
    python3 tools/read_archive.py read ARCHIVE PATH     a file, to standard output, from its frames alone
    python3 tools/read_archive.py verify ARCHIVE        everything: headers against index, contents against manifest

Written from docs/formats/arc-archive-1.md alone ("section n" below is that page), to prove that the page
is enough: Python 3.9 or newer, its standard library, and the `zstd` program. Paths are listed as hexadecimal
digits, since they may be any bytes. Nothing is written.

Exit status: 0 done; 1 impossible here; 2 wrong usage; 3 the archive is damaged.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, NoReturn, Optional, Tuple

BLOCK, MAX_ROWS, MAX_BLOCK = 512, 65_536, 4 << 20
INDEX_MAGIC, SEEK_MAGIC, SEEK_FOOTER = 0x184D2A5A, 0x184D2A5E, 0x8F92EAB1
SIGNATURE, MARK, MANIFEST = b'ARCINDEX', b'arc-mf/1', b'.arc-manifest.sha256'
TYPES = ('file', 'directory', 'symlink', 'hard link')
FLAGS = {'0': 'file', '5': 'directory', '2': 'symlink', '1': 'hard link'}
NS = 1_000_000_000


class ArchiveError(Exception):
    """Why something was refused."""


def fail(why: str) -> NoReturn:
    raise ArchiveError(why)


def unzstd(data: bytes) -> bytes:
    done = subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else fail(f'zstd: {done.stderr.decode(errors="replace").strip()}')


def u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at:at + 4], 'little')


class Row(NamedTuple):
    """An entry as the index tells of it, and where its headers start in the tar stream."""

    path: bytes
    type: str
    mode: int
    mtime_ns: int
    size: int
    target: Optional[bytes]
    header_bytes: int
    position: int

    @property
    def end(self) -> int:
        return self.position + self.header_bytes + blocks(self.size)


def blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


class Columns:
    """Reads the columns of one block of the index (section 2) one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            if self.at == len(self.data):
                fail('the index is cut off')
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if value >= 2**53 or (byte == 0 and shift > 0):
                fail('a number of the index is too large, or longer than it need be')
            if byte < 0x80:
                return value
            shift += 7

    def varints(self, count: int) -> List[int]:
        return [self.varint() for _ in range(count)]

    def bytes(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            fail('the index is cut off')
        self.at += count
        return self.data[self.at - count:self.at]

    def texts(self, count: int) -> List[bytes]:
        texts = []
        for _ in range(count):
            end = self.data.find(b'\0', self.at)
            if end < 0:
                fail('the index is cut off')
            texts.append(self.data[self.at:end])
            self.at = end + 1
        return texts


def block_rows(data: bytes, position: int) -> Iterator[Row]:
    columns = Columns(data)
    count = columns.varint()
    if not 1 <= count <= MAX_ROWS:
        fail('a block of the index has no rows, or too many')
    kinds = columns.varints(count)
    if any(kind >> 12 >= len(TYPES) for kind in kinds):
        fail('a type of the index is unknown')
    types = [TYPES[kind >> 12] for kind in kinds]
    headers, seconds, nanoseconds = columns.varints(count), columns.varints(count), columns.varints(count)
    files = types.count('file')
    sizes = [low + 256 * high for low, high in zip(columns.bytes(files), columns.varints(files))]
    dropped, added = columns.varints(count), columns.texts(count)
    targets = columns.texts(types.count('symlink') + types.count('hard link'))
    if columns.at != len(data):
        fail('something follows a block of the index')
    path, time, sizes, targets = b'', 0, sizes[::-1], targets[::-1]
    for i in range(count):
        if dropped[i] > len(path) or nanoseconds[i] >= NS or headers[i] == 0:
            fail('a row of the index makes no sense')
        path = path[:len(path) - dropped[i]] + added[i]
        time += seconds[i] // 2 if seconds[i] % 2 == 0 else -(seconds[i] + 1) // 2
        row = Row(
            path,
            types[i],
            kinds[i] & 0o7777,
            time * NS + nanoseconds[i],
            sizes.pop() if types[i] == 'file' else 0,
            targets.pop() if types[i] in ('symlink', 'hard link') else None,
            headers[i] * BLOCK,
            position,
        )
        position = row.end
        yield row


class Archive:
    """Seek table and index of a tar.zst (section 2)."""

    def __init__(self, path: str) -> None:
        self.data = Path(path).read_bytes()
        frames = self.seek_table()
        if not frames or frames[-1][1] != 0:
            fail('it has no index')
        self.frames = frames[:-1]
        index_at = sum(compressed for compressed, _ in self.frames)
        self.content_bytes = sum(content for _, content in self.frames)
        self.rows = self.index(self.data[index_at:index_at + frames[-1][0]])
        if (self.rows[-1].end if self.rows else 0) + 2 * BLOCK != self.content_bytes:
            fail('its index does not tell of all that it holds')

    def seek_table(self) -> List[Tuple[int, int]]:
        data = self.data
        if len(data) < 9 or u32(data, len(data) - 4) != SEEK_FOOTER or data[-5] != 0:
            fail('it has no seek table')
        count = u32(data, len(data) - 9)
        start = len(data) - 9 - 8 * count - 8
        if start < 0 or u32(data, start) != SEEK_MAGIC or u32(data, start + 4) != 8 * count + 9:
            fail('its seek table is not one')
        frames = [(u32(data, at), u32(data, at + 4)) for at in range(start + 8, len(data) - 9, 8)]
        return frames if sum(size for size, _ in frames) == start else fail('its seek table does not fit')

    def index(self, frame: bytes) -> List[Row]:
        if u32(frame, 0) != INDEX_MAGIC or u32(frame, 4) != len(frame) - 8 or frame[8:16] != SIGNATURE:
            fail('it has no index')
        data, at = unzstd(frame[16:]), 0
        rows: List[Row] = []
        while at < len(data):
            length = u32(data, at)
            if length > MAX_BLOCK or at + 4 + length > len(data):
                fail('a block of the index is cut off, or too long')
            rows.extend(block_rows(data[at + 4:at + 4 + length], rows[-1].end if rows else 0))
            at += 4 + length
        return rows

    def content(self, start: int, count: int) -> bytes:
        """`count` bytes of the tar stream from `start`, from the frames that they lie in."""
        pieces, frame_at, content_at = [], 0, 0
        for compressed, content in self.frames:
            if content_at < start + count and content_at + content > start:
                piece = unzstd(self.data[frame_at:frame_at + compressed])
                if len(piece) != content:
                    fail('a frame is not as long as the seek table says')
                pieces.append(piece[max(0, start - content_at):start + count - content_at])
            frame_at += compressed
            content_at += content
        return b''.join(pieces)

    def find(self, path: bytes) -> Row:
        rows = [row for row in self.rows if row.path == path]
        if not rows:
            fail('it holds no such path')
        return self.find(rows[0].target or b'') if rows[0].type == 'hard link' else rows[0]


def parse_headers(data: bytes) -> Tuple[bytes, str, int, int, int, Optional[bytes]]:
    """Path, type, mode, time, size and target that the headers of one entry tell (POSIX.1, pax)."""
    header, records = data[-BLOCK:], {}
    at = BLOCK
    while len(data) > BLOCK and data[at:at + 1].isdigit():
        length = int(data[at:data.index(b' ', at)])
        key, _, value = data[at:at + length - 1].split(b' ', 1)[1].partition(b'=')
        records[key] = value
        at += length
    field = lambda start, size: header[start:start + size].split(b'\0')[0]  # noqa: E731
    name, prefix = field(0, 100), field(345, 155)
    path = records.get(b'path', prefix + b'/' + name if prefix else name)
    kind = FLAGS.get(chr(header[156]), '?')
    seconds, _, fraction = records.get(b'mtime', b'%d' % int(field(136, 12), 8)).decode().lstrip('-').partition('.')
    time = int(seconds) * NS + int(fraction.ljust(9, '0'))
    if records.get(b'mtime', b'').startswith(b'-'):
        time = -time
    target = records.get(b'linkpath', field(157, 100)) if kind in ('symlink', 'hard link') else None
    size = int(records.get(b'size', b'%d' % int(field(124, 12), 8)))
    return path.rstrip(b'/'), kind, int(field(100, 8), 8), time, size, target


def parse_manifest(data: bytes) -> Iterator[Tuple[bytes, str]]:
    """The lines of section 1."""
    for line in data.decode('latin1').split('\n')[:-1]:
        digits, name = line.lstrip('\\')[:64], line.lstrip('\\')[66:]
        if line.startswith('\\'):
            name = name.replace('\\\\', '\0').replace('\\n', '\n').replace('\\r', '\r').replace('\0', '\\')
        yield b'-' if name == './-' else name.encode('latin1'), digits


def row_json(row: Row, archive: Archive) -> str:
    first = archive.find(row.path)
    fields: Dict[str, Any] = {'path': row.path.hex(), 'type': first.type, 'mode': row.mode, 'mtimeNs': str(row.mtime_ns)}
    fields['size'] = len(first.target or b'') if first.type == 'symlink' else first.size
    if first.type == 'symlink':
        fields['target'] = (first.target or b'').hex()
    return json.dumps(fields)


def verify(archive: Archive) -> str:
    stream = archive.content(0, archive.content_bytes)
    hashes: Dict[bytes, str] = {}
    for row in archive.rows:
        content = row.position + row.header_bytes
        told = parse_headers(stream[row.position:content])
        if told != (row.path, row.type, row.mode, row.mtime_ns, row.size, row.target):
            fail(f'index and header differ: {row.path!r}')
        if row.type == 'file':
            hashes[row.path] = hashlib.sha256(stream[content:content + row.size]).hexdigest()
        elif row.type == 'hard link' and row.target in hashes:
            hashes[row.path] = hashes[row.target]
    if any(stream[archive.content_bytes - 2 * BLOCK:]):
        fail('it has no end mark')
    rows = archive.rows
    if stream[500:508] == MARK:
        if rows[-1].path != MANIFEST:
            fail('its manifest is missing')
        last = rows[-1].position + rows[-1].header_bytes
        del hashes[MANIFEST]
        if list(parse_manifest(stream[last:last + rows[-1].size])) != list(hashes.items()):
            fail('its manifest is not that of its files')
        rows = rows[:-1]
    return f'{len(rows)} entries, {len(hashes)} hashes'


def main(args: List[str]) -> int:
    parser = argparse.ArgumentParser(description='Read arc-archive/1 archives (tar.zst).')
    parser.add_argument('job', choices=['list', 'read', 'verify'])
    parser.add_argument('archive')
    parser.add_argument('path', nargs='?')
    options = parser.parse_args(args)
    if (options.job == 'read') != (options.path is not None):
        parser.error('`read`, and no other job, takes a path')
    try:
        archive = Archive(options.archive)
        if options.job == 'list':
            for row in archive.rows:
                if row.path != MANIFEST or row is not archive.rows[-1]:
                    print(row_json(row, archive))
        elif options.job == 'verify':
            print(verify(archive))
        else:
            row = archive.find(os.fsencode(options.path))
            sys.stdout.buffer.write(archive.content(row.position + row.header_bytes, row.size))
    except ArchiveError as error:
        print(f'read_archive: {error}', file=sys.stderr)
        return 3
    except OSError as error:
        print(f'read_archive: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
