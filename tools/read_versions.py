#!/usr/bin/env python3
"""Read arc-versions/1 stores: a second reader, independent of Arc's own.

    python3 tools/read_versions.py list STORE             one line of JSON per version, then per snapshot
    python3 tools/read_versions.py read STORE KEY SEQ     the content of a version, to standard output
    python3 tools/read_versions.py verify STORE           read everything, print nothing but a count

Written from docs/formats/versions-1.md alone ("section n" below is that page), to prove that the page
is enough: Python 3.9 or newer, its standard library, and the `zstd` program. STORE is a folder: one
that keeps its versions itself (section 3), a copy of a bucket that has them beside its objects
(section 4), or a copy of one that keeps versions (section 5.1). Nothing is written.

Exit status: 0 done; 1 impossible here; 2 wrong usage; 3 the store is damaged.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

HEX = re.compile(r'[0-9a-f]{64}')
SNAPSHOT_TAG = 'snapshot:'
SUM_DIGITS = 16
BODY_AT = 2 + SUM_DIGITS + 2
UNDER_WAY_MS = 60_000


class StoreError(Exception):
    """Why something was refused."""

    def __init__(self, message: str, status: int = 3) -> None:
        super().__init__(message)
        self.status = status


class Content(NamedTuple):
    """A content as it is kept; without `data` it is an object."""

    size: int
    encoding: Optional[str]
    data: Optional[bytes]


class Past:
    """Versions of one key, the oldest first, and its tags (section 2)."""

    def __init__(self) -> None:
        self.versions: List[Dict[str, Any]] = []
        self.tags: Dict[str, int] = {}

    def version(self, seq: int, why: str) -> Dict[str, Any]:
        for version in self.versions:
            if version['seq'] == seq:
                return version
        raise StoreError(f'{why}: there is no version {seq}')


class Store:
    """What a store says, whichever way it is kept."""

    def __init__(self, place: str) -> None:
        self.root = Path(place)
        self.control = self.root / '.arc'
        self.pasts: Dict[str, Past] = {}
        self.snapshots: Dict[Tuple[str, str], Dict[str, Any]] = {}
        self.contents: Dict[str, Content] = {}
        if (self.root / 'versions.jsonl').is_file():
            self.read_native()
        elif (self.control / 'log').is_dir():
            self.read_log()
        elif (self.control / 'keys').is_dir():
            self.read_manifests()
        else:
            raise StoreError(f'{place} is no store', 2)

    # Section 3.1

    def read_log(self) -> None:
        previous, count = '0' * SUM_DIGITS, 0
        for path in sorted((self.control / 'log').glob('*.jsonl')):
            lines = path.read_bytes().split(b'\n')
            for at, line in enumerate(lines):
                if not line.startswith(b'['):
                    break
                body = checked_line(line, previous)
                if body is None:
                    if any(other.startswith(b'["') for other in lines[at + 1:]):
                        raise StoreError(f'{path}: line {at + 1} is damaged, and others follow it')
                    return
                previous, count = line[2:2 + SUM_DIGITS].decode(), count + 1
                record = json.loads(body)
                if record['n'] != count:
                    raise StoreError(f'{path}: line {at + 1} is not number {count}')
                self.apply(record)

    def apply(self, record: Dict[str, Any]) -> None:
        for content in record.get('contents', []):
            data = content.get('data')
            kept = None if data is None else base64.b64decode(data, validate=True)
            self.contents[content['sha']] = Content(content['size'], content.get('encoding'), kept)
        for edit in record['edits']:
            self.edit(edit)

    def edit(self, edit: Dict[str, Any]) -> None:
        """The table of section 2."""
        op = edit['op']
        if op in ('snapshot', 'unsnapshot'):
            self.snapshots.pop((edit['prefix'], edit['tag']), None)
            if op == 'snapshot':
                self.snapshots[edit['prefix'], edit['tag']] = edit
            return
        past = self.pasts.setdefault(edit['key'], Past())
        if op in ('put', 'delete'):
            past.versions.append({
                'seq': edit['seq'], 'at': edit['at'], 'sha': edit.get('sha'), 'size': edit.get('size', 0),
                'origin': edit.get('origin', 'write'), 'meta': edit.get('meta', {}),
            })
        elif op == 'drop':
            past.versions.remove(past.version(edit['seq'], edit['key']))
            past.tags = {name: seq for name, seq in past.tags.items() if seq != edit['seq']}
        elif op == 'tag':
            past.tags[edit['name']] = edit['seq']
        elif op == 'untag':
            past.tags.pop(edit['name'], None)
        elif op == 'annotate':
            past.version(edit['seq'], edit['key'])['meta'] = edit['meta']
        elif op == 'protect':
            past.version(edit['seq'], edit['key']).update(
                hold=edit['hold'], until=edit.get('until'), storage_class=edit.get('class'))
        elif op not in ('lock', 'unlock', 'sequence'):
            raise StoreError(f'there is no edit {op}')

    # Section 4

    def read_manifests(self) -> None:
        newest: Dict[str, Path] = {}
        keys = self.control / 'keys'
        for path in sorted(keys.rglob('%manifest*.json')):
            parts = path.parent.relative_to(keys).parts
            newest['/'.join(part[1:] if part.startswith('%') else part for part in parts)] = path
        for key, path in newest.items():
            manifest = json.loads(path.read_bytes())
            if manifest['format'] != 'arc-versions/1' or manifest['key'] != key:
                raise StoreError(f'{path} is no manifest of {key}')
            past = self.pasts.setdefault(key, Past())
            past.tags = {name: seq for name, seq in manifest['tags']}
            past.versions = [manifest_version(version) for version in manifest['versions']]
        for path in (self.control / 'snapshots').glob('*.json'):
            self.read_snapshot(path.stem, path.read_bytes())

    def read_snapshot(self, name: str, data: bytes) -> None:
        record = json.loads(data)
        expected = hashlib.sha256(f'{record["prefix"]}\n{record["tag"]}'.encode()).hexdigest()
        if record['format'] != 'arc-snapshot/1' or name != expected:
            raise StoreError(f'{name} is no snapshot')
        self.snapshots[record['prefix'], record['tag']] = {**record, 'at': record['atMs']}

    # Section 5

    def read_native(self) -> None:
        listed: Dict[str, List[Dict[str, Any]]] = {}
        for line in (self.root / 'versions.jsonl').read_text('utf-8').splitlines():
            item = json.loads(line)
            listed.setdefault(item['key'], []).insert(0, item)  # now the oldest first
        for key, items in listed.items():
            if not key.startswith('.arc/'):
                self.pasts[key] = self.native_past(key, items, self.native_manifest(key, listed))
            elif key.startswith('.arc/snapshots/') and not items[-1]['isDeleteMarker']:
                self.read_snapshot(key[len('.arc/snapshots/'):-len('.json')], self.body(items[-1]))

    def native_manifest(self, key: str, listed: Dict[str, List[Dict[str, Any]]]) -> Dict[str, Any]:
        """The manifest that counts: the newest, or the end of the chain (section 4)."""
        name = '/'.join(f'%{part}' if part.startswith('%') else part for part in key.split('/'))
        links = [item for item in listed.get(f'.arc/keys/{name}/%manifest.json', []) if not item['isDeleteMarker']]
        if not links:
            return {'nextSeq': 1, 'token': 0, 'versions': [], 'tags': []}
        tip = links[-1]
        if 'arc-parent' in tip['metadata']:
            tip = links[0]
            for link in links[1:]:
                if link['metadata'].get('arc-parent') == tip['version']:
                    tip = link
        manifest = json.loads(self.body(tip))
        if manifest['format'] != 'arc-native/1' or manifest['key'] != key:
            raise StoreError(f'{tip["key"]} is no manifest of {key}')
        return manifest

    def native_past(self, key: str, items: List[Dict[str, Any]], manifest: Dict[str, Any]) -> Past:
        """Manifest and list, brought together."""
        past, removing = Past(), manifest.get('removing', [])
        there = {item['version'] for item in items}
        own = [each for each in manifest['versions'] if each.get('backendVersion') in there | {None}]
        named = {each.get('backendVersion') for each in own}
        next_seq = manifest['nextSeq']
        for item in items:
            while own and 'backendVersion' not in own[0]:
                past.versions.append(manifest_version(own.pop(0)))
            if item['version'] in named:
                each = own.pop(0)
                past.versions.append(manifest_version(each))
                source = next(other for other in items if other['version'] == each['backendVersion'])
                past.versions[-1]['body'] = source.get('body')
            elif item['version'] not in removing:
                version = self.unnamed_version(item, manifest['token'])
                if version is not None:
                    past.versions.append({'seq': next_seq, **version})
                    next_seq += 1
        past.versions += [manifest_version(each) for each in own]
        is_there = any(item['isLatest'] and item['version'] not in removing for item in items)
        if not is_there and past.versions and past.versions[-1]['sha'] is not None:
            past.versions.append({
                'seq': next_seq, 'at': int(time.time() * 1000), 'sha': None, 'size': 0, 'origin': 'external', 'meta': {}})
        left = {version['seq'] for version in past.versions}
        past.tags = {name: seq for name, seq in manifest['tags'] if seq in left}
        return past

    def unnamed_version(self, item: Dict[str, Any], token: int) -> Optional[Dict[str, Any]]:
        """A version that no manifest names; None when it counts for nobody."""
        version = {'at': item['modifiedMs'], 'sha': None, 'size': 0, 'origin': 'external', 'meta': {}}
        if item['isDeleteMarker']:
            return version
        body = self.body(item)
        version.update(
            sha=item['metadata'].get('arc-sha256', hashlib.sha256(body).hexdigest()), size=len(body), body=item['body'])
        if 'arc-put' not in item['metadata']:
            return version
        put = json.loads(unquote(item['metadata']['arc-put']))
        if abs(time.time() * 1000 - item['modifiedMs']) < UNDER_WAY_MS or put['token'] < token:
            return None
        version.update(at=put['at'], origin=put.get('origin', 'write'), meta=put.get('meta', {}))
        return version

    def body(self, item: Dict[str, Any]) -> bytes:
        return (self.root / 'bodies' / Path(item['body']).name).read_bytes()

    # Contents

    def content(self, version: Dict[str, Any]) -> bytes:
        sha = version['sha']
        if not isinstance(sha, str) or not HEX.fullmatch(sha):
            raise StoreError('this version has no content')
        known = self.contents.get(sha)
        if 'body' in version:
            plain = self.body(version)
        elif known is not None and known.data is not None:
            plain = unzstd(known.data) if known.encoding == 'zstd' else known.data
        else:
            plain = self.object(sha)
        if hashlib.sha256(plain).hexdigest() != sha or len(plain) != version['size']:
            raise StoreError(f'the content {sha} is not what was written')
        return plain

    def object(self, sha: str) -> bytes:
        path = self.control / 'objects' / sha[:2] / sha
        if path.is_file():
            return path.read_bytes()
        packed = path.with_name(f'{sha}.zst')
        if packed.is_file():
            return unzstd(packed.read_bytes())
        raise StoreError(f'the content {sha} is gone')

    def rows(self) -> Iterator[Dict[str, Any]]:
        for key in sorted(self.pasts, key=lambda name: name.encode()):
            past = self.pasts[key]
            for version in past.versions:
                yield describe(self, key, past, version)
        for (prefix, tag), record in sorted(self.snapshots.items(), key=lambda item: item[1]['at']):
            for key, seq in record['items']:
                self.pasts[key].version(seq, f'snapshot {tag} of {prefix}')
            yield {'snapshot': tag, 'prefix': prefix, 'at': record['at'], 'fileCount': len(record['items'])}


def manifest_version(version: Dict[str, Any]) -> Dict[str, Any]:
    return {
        'seq': version['seq'], 'at': version['atMs'], 'sha': version.get('sha256'), 'size': version['sizeBytes'],
        'origin': version.get('origin', 'write'), 'meta': version.get('metadata', {}),
        'hold': version.get('legalHold', False), 'until': version.get('retainUntilMs'),
        'storage_class': version.get('storageClass'),
    }


def checked_line(line: bytes, previous: str) -> Optional[bytes]:
    """The object of a line, or None when it is cut off or does not follow the one before."""
    if len(line) < BODY_AT + 2 or not line.endswith(b']'):
        return None
    body = line[BODY_AT:-1]
    expected = hashlib.sha256(previous.encode() + body).hexdigest()[:SUM_DIGITS]
    return body if line[2:2 + SUM_DIGITS] == expected.encode() else None


def unzstd(data: bytes) -> bytes:
    done = subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise StoreError('a content cannot be decompressed')
    return done.stdout


def describe(store: Store, key: str, past: Past, version: Dict[str, Any]) -> Dict[str, Any]:
    sha = version['sha']
    short = 'deleted' if sha is None else sha[:8]
    row: Dict[str, Any] = {
        'key': key, 'seq': version['seq'], 'id': f'{version["seq"]}-{short}', 'at': version['at'],
        'origin': version['origin'],
    }
    if sha is not None:
        begins = store.content(version)[:12].decode('latin-1')
        row.update(sha256=sha, sizeBytes=version['size'], begins=begins)
    tags = sorted(
        name for name, seq in past.tags.items() if seq == version['seq'] and not name.startswith(SNAPSHOT_TAG))
    for name, value in (
        ('tags', tags), ('metadata', version['meta']), ('legalHold', version.get('hold')),
        ('retainUntil', version.get('until')), ('storageClass', version.get('storage_class')),
    ):
        if value:
            row[name] = value
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description='Read arc-versions/1 stores.')
    commands = parser.add_subparsers(dest='command', required=True)
    for name, extra in (('list', ()), ('read', ('key', 'seq')), ('verify', ())):
        command = commands.add_parser(name)
        for argument in ('store', *extra):
            command.add_argument(argument, type=int if argument == 'seq' else str)
    options = parser.parse_args()
    try:
        store = Store(options.store)
        if options.command == 'read':
            past = store.pasts.get(options.key)
            if past is None:
                raise StoreError(f'there is no key {options.key}', 2)
            sys.stdout.buffer.write(store.content(past.version(options.seq, options.key)))
        elif options.command == 'list':
            for row in store.rows():
                print(json.dumps(row))
        else:
            print(sum(1 for _ in store.rows()))
    except StoreError as error:
        print(f'read_versions: {error}', file=sys.stderr)
        return error.status
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        print(f'read_versions: {type(error).__name__}: {error}', file=sys.stderr)
        return 1 if isinstance(error, OSError) else 3
    return 0


if __name__ == '__main__':
    sys.exit(main())
