#!/usr/bin/env python3
"""Read arc-vault/1 vaults without encryption: a second reader, independent of Arc's own.

    python3 tools/read_vault.py snapshots VAULT         one line per snapshot: id, time, project
    python3 tools/read_vault.py list VAULT ID           one line of JSON per entry
    python3 tools/read_vault.py verify VAULT            read everything, write nothing
    python3 tools/read_vault.py restore VAULT ID DIR    DIR must be new or empty; --attributes restores
                                                        owners and extended attributes, too

Written from docs/formats/vault-1.md alone ("section n" below is that page), to prove that the page
is enough: Python 3.9 or newer, its standard library, and the `zstd` program. VAULT is a folder. ID
may be the beginning of one. Packs are held in memory, one after another.

Exit status: 0 done; 1 impossible here; 2 wrong usage; 3 the vault is damaged.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, NoReturn, Optional, Set, Tuple

MAX_FRAME, MAX_LIST, MAX_DEPTH = 2 << 20, 16_384, 3
MAX_NAME, MAX_PATH, MAX_ATTRIBUTES, MAX_OWNER = 255, 65_536, 1 << 20, 2**32 - 2
PACK_MARK, INDEX_MARK = b'ArcPack1', b'ArcIndx1'
SKIPPABLE = 0x184D2A5E
HEX = re.compile(r'[0-9a-f]{64}')
TYPES = {1: 'file', 2: 'directory', 3: 'symlink'}


class VaultError(Exception):
    """Why something was refused."""

    def __init__(self, message: str, status: int = 3) -> None:
        super().__init__(message)
        self.status = status


class Bytes:
    """Reads the fields of section 1 one after another, and never past the end."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data, self.what, self.at = data, what, 0

    def fail(self, why: str) -> NoReturn:
        raise VaultError(f'{self.what}: {why}')

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            self.fail('it ends too early')
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form: str) -> int:
        return struct.unpack('<' + form, self.take(struct.calcsize('<' + form)))[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if value >= 2**53 or (byte == 0 and shift > 0):
                self.fail('a number is too large, or longer than it need be')
            if byte < 0x80:
                return value
            shift += 7

    def sized(self, most: int) -> bytes:
        count = self.varint()
        if count > most:
            self.fail('a field is too long')
        return self.take(count)

    def done(self) -> bool:
        return self.at == len(self.data)


class Reference(NamedTuple):
    depth: int
    name: bytes


class Attributes(NamedTuple):
    """What section 7 calls so; None where nothing is told."""

    owner: Optional[Tuple[int, int, str, str]] = None
    sparse: bool = False
    xattrs: Optional[List[Tuple[bytes, bytes]]] = None


class Entry(NamedTuple):
    name: bytes
    type: str
    mode: int
    mtime_ns: Optional[int]
    target: Optional[bytes]
    size: int
    reference: Optional[Reference]
    link_name: Optional[bytes]
    attributes: Attributes


def parse_attributes(data: bytes, what: str) -> Attributes:
    fields, previous, found = Bytes(data, what), b'', Attributes()
    while not fields.done():
        name, value = fields.sized(6 + 255), fields.sized(MAX_ATTRIBUTES)
        if name <= previous:
            fields.fail('the attributes of an entry are not in order')
        previous = name
        if name == b'owner':
            owner = Bytes(value, what)
            uid, gid = owner.varint(), owner.varint()
            names = owner.sized(1024).decode('utf-8', 'replace'), owner.sized(1024).decode('utf-8', 'replace')
            if max(uid, gid) > MAX_OWNER or not owner.done():
                fields.fail('an owner that is none')
            found = found._replace(owner=(uid, gid, *names))
        elif name == b'sparse':
            found = found._replace(sparse=True)
        elif name == b'xattr:':
            found = found._replace(xattrs=[])
        elif name.startswith(b'xattr:'):
            if b'\0' in name or found.xattrs is None:
                fields.fail('an extended attribute that has no place or no name')
            found.xattrs.append((name[6:], value))
    return found


class Footer(NamedTuple):
    """Of each frame its length in the pack and those of its chunks (section 5)."""

    frames: List[Tuple[int, List[int]]]


def parse_footer(data: bytes, what: str) -> Footer:
    fields = Bytes(data, what)
    if fields.number('B') != 1 or fields.number('B') > 1:
        fields.fail('its footer has an unknown version or kind')
    fields.take(16)
    frames = []
    for _ in range(fields.varint()):
        sealed, plain = fields.varint(), fields.varint()
        chunks = [fields.varint() for _ in range(fields.varint())]
        if plain > MAX_FRAME or sum(chunks) != plain or 0 in chunks:
            fields.fail('the sizes of a frame do not add up')
        frames.append((sealed, chunks))
    if not fields.done():
        fields.fail('there is something behind its footer')
    return Footer(frames)


class Vault:
    def __init__(self, root: str) -> None:
        self.root = Path(root)
        if not (self.root / 'config').is_file():
            raise VaultError(f'there is no vault at {root}', 1)
        config = self.json((self.root / 'config').read_bytes(), 'config')
        if config.get('format') != 'arc-vault' or config.get('version') != 1:
            raise VaultError('config: not a vault of version 1', 1)
        if config.get('encryption') != 'none':
            raise VaultError('this reader knows no encryption', 1)
        self.places: Dict[bytes, Tuple[str, int, int]] = {}  # name: pack, start in its content, length
        self.pack_name, self.pack_content = '', b''
        self.load_indexes()

    @staticmethod
    def json(data: bytes, what: str) -> Dict[str, Any]:
        try:
            value = json.loads(data.decode('utf-8'))
        except ValueError as error:
            raise VaultError(f'{what}: {error}') from error
        if not isinstance(value, dict):
            raise VaultError(f'{what}: not an object')
        return value

    def objects(self, folder: str, pattern: str) -> Iterator[Path]:
        for path in sorted((self.root / folder).glob('**/*')):
            if path.is_file() and re.fullmatch(pattern, path.name):
                yield path

    @staticmethod
    def hashed(path: Path) -> bytes:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != path.name[-64:]:
            raise VaultError(f'{path}: its bytes do not have the SHA-256 in its name')
        return data

    # Section 6

    def load_indexes(self) -> None:
        for path in self.objects('index', '[0-9a-f]{64}'):
            self.load_index(self.hashed(path), str(path))

    def load_index(self, data: bytes, what: str) -> None:
        fields = Bytes(data, what)
        if fields.take(8) != INDEX_MARK:
            fields.fail('it does not begin like an index')
        header = Bytes(fields.take(fields.number('I')), what)
        if header.number('B') != 1:
            header.fail('it has an unknown version')
        header.take(16)
        chunks: List[Tuple[str, int, int]] = []
        for _ in range(header.varint()):
            pack, _size = header.take(32).hex(), header.varint()
            start = 0
            for _sealed, sizes in parse_footer(header.sized(len(data)), what).frames:
                for size in sizes:
                    chunks.append((pack, start, size))
                    start += size
        entries, pages = header.varint(), header.varint()
        if pages != -(-entries // 4096):
            header.fail('its pages do not add up')
        previous = b''
        for page in range(pages):
            first, sealed = header.take(32), header.varint()
            content = fields.take(sealed)
            count = min(4096, entries - page * 4096)
            if len(content) != count * 36 or content[:32] != first:
                fields.fail('a page is not as its header says')
            for at in range(0, len(content), 36):
                name, number = content[at:at + 32], struct.unpack_from('<I', content, at + 32)[0]
                if name <= previous or number >= len(chunks):
                    fields.fail('an entry is out of order, or names no chunk')
                previous = name
                self.places.setdefault(name, chunks[number])
        if not header.done() or not fields.done():
            fields.fail('there is something behind its end')

    # Section 5

    def load_pack(self, pack: str) -> None:
        path = self.root / 'packs' / pack[:2] / pack
        if not path.is_file():
            raise VaultError(f'{path}: it is missing')
        data = self.hashed(path)
        length, mark = struct.unpack('<I8s', data[-12:])
        if mark != PACK_MARK or length + 20 > len(data):
            raise VaultError(f'{path}: it does not end like a pack')
        magic, size = struct.unpack('<II', data[-length - 20:-length - 12])
        if magic != SKIPPABLE or size != length + 12:
            raise VaultError(f'{path}: its footer is not framed as it should be')
        footer = parse_footer(data[-length - 12:-12], str(path))
        if sum(sealed for sealed, _ in footer.frames) + length + 20 != len(data):
            raise VaultError(f'{path}: its frames do not add up')
        done = subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=False)
        if done.returncode != 0:
            raise VaultError(f'{path}: {done.stderr.decode(errors="replace").strip()}')
        if len(done.stdout) != sum(sum(chunks) for _, chunks in footer.frames):
            raise VaultError(f'{path}: its content has another length')
        self.pack_name, self.pack_content = pack, done.stdout

    # Section 4

    def chunk(self, name: bytes) -> bytes:
        if name not in self.places:
            raise VaultError(f'chunk {name.hex()}: no index knows where it is')
        pack, start, size = self.places[name]
        if pack != self.pack_name:
            self.load_pack(pack)
        data = self.pack_content[start:start + size]
        if hashlib.sha256(data).digest() != name:
            raise VaultError(f'chunk {name.hex()}: its bytes are not those of its name')
        return data

    def content(self, reference: Optional[Reference]) -> Iterator[bytes]:
        if reference is None:
            return
        data = self.chunk(reference.name)
        if reference.depth == 0:
            yield data
            return
        if reference.depth > MAX_DEPTH or len(data) % 32 or not 64 <= len(data) <= MAX_LIST * 32:
            raise VaultError(f'chunk {reference.name.hex()}: not a list')
        for at in range(0, len(data), 32):
            yield from self.content(Reference(reference.depth - 1, data[at:at + 32]))

    # Section 7

    def listing(self, reference: Optional[Reference], size: int, what: str) -> List[Entry]:
        data = b''.join(self.content(reference))
        if len(data) != size:
            raise VaultError(f'{what}: its listing has another length')
        fields, entries, previous = Bytes(data, what), [], b''
        while not fields.done():
            flags, name = fields.number('B'), fields.sized(MAX_NAME)
            kind = TYPES.get(flags & 3)
            if kind is None or flags > 31:
                fields.fail('an entry of an unknown type')
            if name <= previous or name in (b'', b'.', b'..') or b'/' in name or b'\0' in name:
                fields.fail('a name that is out of order, or none')
            previous, mode = name, fields.number('H')
            if mode > 0o7777:
                fields.fail('a mode that is none')
            mtime = fields.number('q') if flags & 4 else None
            target, length, content = None, 0, None
            if kind == 'symlink':
                target = fields.sized(MAX_PATH)
            else:
                length = fields.varint()
                if length:
                    content = Reference(fields.number('B'), fields.take(32))
            link = fields.sized(MAX_PATH) if flags & 8 else None
            attributes = parse_attributes(fields.sized(MAX_ATTRIBUTES), what) if flags & 16 else Attributes()
            entries.append(Entry(name, kind, mode, mtime, target, length, content, link, attributes))
        return entries

    def walk(self, reference: Optional[Reference], size: int, prefix: bytes = b'') -> Iterator[Tuple[bytes, Entry]]:
        what = 'folder ' + (os.fsdecode(prefix) or '.')
        for entry in self.listing(reference, size, what):
            yield prefix + entry.name, entry
            if entry.type == 'directory':
                yield from self.walk(entry.reference, entry.size, prefix + entry.name + b'/')

    # Sections 8 and 9

    def records(self, folder: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
        for path in self.objects(folder, r'[0-9]{10}-[0-9a-f]{64}'):
            data = self.hashed(path)
            record = self.json(data[:data.index(b'\n') + 1] if b'\n' in data else data, str(path))
            if record.get('sequence') != int(path.name[:10]):
                raise VaultError(f'{path}: its name tells another sequence number')
            yield path.name[-64:], record

    def check_log(self) -> None:
        known: Set[str] = set()
        named: Set[str] = set()
        for folder in ('log', 'snapshots'):
            for identity, record in self.records(folder):
                known.add(identity)
                named.update(record['previous'])
                if record['kind'] == 'forget':
                    known.update(record['snapshots'])
                    known.update(record.get('notes', []))
        for identity in sorted(named - known):
            raise VaultError(f'record {identity}: it is gone, and in no tombstone')

    def snapshots(self) -> Dict[str, Dict[str, Any]]:
        forgotten: Set[str] = set()
        for _, record in self.records('log'):
            if record.get('kind') == 'forget':
                forgotten.update(record['snapshots'])
        done: Dict[str, Any] = {'generation': 0, 'snapshots': []}
        for path in self.objects('prune', r'[0-9]{10}-done'):
            done = self.json(path.read_bytes(), str(path))
        found = {}
        for identity, record in self.records('snapshots'):
            counts = record['generation'] >= done['generation'] or identity in done['snapshots']
            if identity not in forgotten and counts:
                found[identity] = record
        return found

    def snapshot(self, beginning: str) -> Dict[str, Any]:
        found = [record for identity, record in self.snapshots().items() if identity.startswith(beginning)]
        if len(found) != 1:
            raise VaultError(f'{len(found)} snapshots begin with {beginning}', 1)
        return found[0]

    def entries(self, record: Dict[str, Any]) -> List[Tuple[bytes, Entry]]:
        root = record['root']
        reference = Reference(root['depth'], bytes.fromhex(root['id'])) if root['sizeBytes'] else None
        entries = sorted(self.walk(reference, root['sizeBytes']), key=lambda item: item[0])
        check_links(entries)
        return entries

    def run_log(self, record: Dict[str, Any]) -> bytes:
        output = record.get('run', {}).get('output', {'sizeBytes': 0})
        reference = Reference(output['depth'], bytes.fromhex(output['id'])) if output['sizeBytes'] else None
        log = b''.join(self.content(reference))
        if len(log) != output['sizeBytes']:
            raise VaultError(f"what a run printed has {len(log)} bytes instead of {output['sizeBytes']}")
        return log


def check_links(entries: List[Tuple[bytes, Entry]]) -> None:
    """Names of one inode (section 7): the first names itself, and all are one file."""
    firsts: Dict[bytes, Entry] = {}
    for path, entry in entries:
        if entry.link_name is None:
            continue
        if entry.type == 'file' and entry.link_name == path:
            firsts[path] = entry
        first = firsts.get(entry.link_name)
        if first is None:
            raise VaultError(f'{os.fsdecode(path)}: its link name is not the first name of a file')
        if facts_of_file(first) != facts_of_file(entry):
            raise VaultError(f'{os.fsdecode(path)}: it is said to be one file with another, and is not')


def facts_of_file(entry: Entry) -> Tuple[Any, ...]:
    return entry.type, entry.mode, entry.mtime_ns, entry.size, entry.reference


def describe(vault: Vault, path: bytes, entry: Entry) -> Dict[str, Any]:
    row: Dict[str, Any] = {'path': os.fsdecode(path), 'type': entry.type, 'mode': entry.mode}
    if entry.mtime_ns is not None:
        row['mtimeNs'] = str(entry.mtime_ns)
    if entry.target is not None:
        row['target'] = os.fsdecode(entry.target)
    if entry.link_name is not None:
        row['hardLink'] = os.fsdecode(entry.link_name)
    row.update(describe_attributes(entry.attributes))
    if entry.type == 'file':
        digest, size = hashlib.sha256(), 0
        for piece in vault.content(entry.reference):
            digest.update(piece)
            size += len(piece)
        if size != entry.size:
            raise VaultError(f'{os.fsdecode(path)}: it has another length')
        row.update(sizeBytes=size, sha256=digest.hexdigest())
    return row


def describe_attributes(attributes: Attributes) -> Dict[str, Any]:
    row: Dict[str, Any] = {}
    if attributes.owner is not None:
        uid, gid, user, group = attributes.owner
        row['owner'] = {'uid': uid, 'gid': gid}
        if user:
            row['owner']['userName'] = user
        if group:
            row['owner']['groupName'] = group
    if attributes.xattrs is not None:
        row['xattrs'] = [[os.fsdecode(name), base64.b64encode(value).decode()] for name, value in attributes.xattrs]
    if attributes.sparse:
        row['isSparse'] = True
    return row


def restore(vault: Vault, record: Dict[str, Any], target: str, attributes: bool) -> None:
    root = os.fsencode(target)
    os.makedirs(root, exist_ok=True)
    if os.listdir(root):
        raise VaultError(f'{target} is not empty', 1)
    entries = vault.entries(record)
    folders = []
    for path, entry in entries:
        place = os.path.join(root, path)
        if entry.type == 'directory':
            os.mkdir(place, 0o700)
            folders.append((place, entry))
        elif entry.type == 'file':
            if entry.link_name is not None and entry.link_name != path:
                os.link(os.path.join(root, entry.link_name), place)
                continue
            with open(place, 'xb') as out:
                for piece in vault.content(entry.reference):
                    out.write(piece)
            finish(place, entry, attributes)
    # Symlinks last: nothing is written through them.
    for path, entry in entries:
        if entry.type == 'symlink':
            place = os.path.join(root, path)
            os.symlink(entry.target or b'', place)
            if attributes:
                set_attributes(place, entry)
            if entry.mtime_ns is not None:
                os.utime(place, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)
    for place, entry in reversed(folders):
        finish(place, entry, attributes)
    if 'rootMode' in record:
        os.chmod(root, record['rootMode'])


def set_attributes(place: bytes, entry: Entry) -> None:
    """Owner by number, for to change it clears set-id bits and capabilities; then extended attributes."""
    owner, _, xattrs = entry.attributes
    if owner is not None:
        os.chown(place, owner[0], owner[1], follow_symlinks=False)
    for name, value in xattrs or []:
        os.setxattr(place, name, value, follow_symlinks=False)


def finish(place: bytes, entry: Entry, attributes: bool) -> None:
    if attributes:
        set_attributes(place, entry)
    os.chmod(place, entry.mode)
    if entry.mtime_ns is not None:
        os.utime(place, ns=(entry.mtime_ns, entry.mtime_ns))


def main() -> int:
    parser = argparse.ArgumentParser(description='Read arc-vault/1 vaults.')
    commands = parser.add_subparsers(dest='command', required=True)
    one = ('id',)
    for name, extra in (
        ('snapshots', ()), ('list', one), ('run-log', one), ('verify', ()), ('restore', ('id', 'dir')),
    ):
        command = commands.add_parser(name)
        for argument in ('vault', *extra):
            command.add_argument(argument)
        if name == 'restore':
            command.add_argument('--attributes', action='store_true', help='owners and extended attributes, too')
    options = parser.parse_args()
    try:
        vault = Vault(options.vault)
        if options.command == 'snapshots':
            for identity, record in vault.snapshots().items():
                print(identity, record['time'], record['project'])
        elif options.command == 'list':
            for path, entry in vault.entries(vault.snapshot(options.id)):
                print(json.dumps(describe(vault, path, entry)))
        elif options.command == 'run-log':
            sys.stdout.buffer.write(vault.run_log(vault.snapshot(options.id)))
        elif options.command == 'verify':
            vault.check_log()
            for record in vault.snapshots().values():
                vault.run_log(record)
                for path, entry in vault.entries(record):
                    describe(vault, path, entry)
        else:
            restore(vault, vault.snapshot(options.id), options.dir, options.attributes)
    except VaultError as error:
        print(f'read_vault: {error}', file=sys.stderr)
        return error.status
    except (OSError, KeyError, TypeError, RecursionError) as error:
        print(f'read_vault: {type(error).__name__}: {error}', file=sys.stderr)
        return 1 if isinstance(error, OSError) else 3
    return 0


if __name__ == '__main__':
    sys.exit(main())
