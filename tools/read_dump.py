#!/usr/bin/env python3
"""Read arc-dump/1 documents: a second reader, independent of Arc's own.

    python3 tools/read_dump.py list DUMP          one manifest line (section 2.5) per entry
    python3 tools/read_dump.py verify DUMP        check everything, write nothing
    python3 tools/read_dump.py restore DUMP DIR   DIR must be new or empty

Written from docs/formats/arc-dump-1.md alone ("section n" below is that page), to prove that the
page is enough: Python 3.9 or newer and its standard library. It refuses what the page does not
describe, and writes nothing before the whole document was checked. It restores all permission
bits as they are recorded, set-id bits included.

DUMP is Markdown, JSON or JSON Lines, as it is or compressed with gzip or Zstandard (the latter
needs Python 3.14 or the `zstd` program). The document and its contents are held in memory: a few
times its size, which --max-bytes bounds.

Exit status: 0 done; 1 impossible here (no such file, DIR in use, too large, no zstd, an unknown
version, or files that the document does not hold); 2 wrong usage; 3 the document is damaged, cut
off or hostile, and nothing was written.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple

DEFAULT_MAX_BYTES = 2 << 30
MAX_SEARCHED_BODY = 1_048_576  # a longer body must say its length (section 2.2)
MAX_PATH_BYTES, MAX_PATH_DEPTH = 16_384, 1_024  # limits of this reader (section 7)
MAX_JSON_DEPTH = 16
MAX_INTEGER = 2**53 - 1
Offset = Optional[int]  # into the document; unknown in JSON that another tool has laid out
TYPE_BITS = {'file': 0o100000, 'hardlink': 0o100000, 'directory': 0o040000, 'symlink': 0o120000}


class DumpError(Exception):
    """Why a document was refused: what, at which entry, at which byte of the document."""

    def __init__(self, message: str, offset: Offset = None,
                 path: Optional[bytes] = None, status: int = 3) -> None:
        super().__init__(message)
        self.offset, self.path, self.status = offset, path, status

    def __str__(self) -> str:
        entry = '' if self.path is None else path_text(self.path) + ': '
        place = '' if self.offset is None else f' (byte {self.offset})'
        return f'{entry}{self.args[0]}{place}'


@dataclass
class Entry:
    """One path of a project; `size` and `sha256` are what the document declares."""

    path: bytes
    kind: str  # a key of TYPE_BITS
    offset: Offset
    mode: int = 0
    mtime_ns: Optional[int] = None
    content: Optional[bytes] = None  # of a file or, its target, a symbolic link
    link: Optional[bytes] = None  # the file that a hard link is another name of
    size: int = 0
    sha256: str = '-'
    omitted: bool = False

    def fail(self, message: str) -> NoReturn:
        raise DumpError(message, self.offset, self.path)

    def type_and_mode(self) -> str:
        return f'{TYPE_BITS[self.kind] | self.mode:06o}'

    def manifest_line(self) -> str:
        slash = b'/' if self.kind == 'directory' else b''
        return f'{self.sha256} {self.type_and_mode()} {self.size} {path_text(self.path + slash)}'


@dataclass
class Dump:
    """The entries of a document; those of all three spellings pass through `add` and `finish`."""

    file_mode: int = 0o644
    directory_mode: int = 0o755
    entries: List[Entry] = field(default_factory=list)
    by_path: Dict[bytes, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Check the rules of section 1 that concern entries before this one."""
        if self.entries and entry.path <= self.entries[-1].path:
            entry.fail('is listed twice or out of order')
        for parent in parents_of(entry.path):
            above = self.by_path.get(parent)
            if above is not None and above.kind != 'directory':
                entry.fail(f'lies below a {above.kind}, {path_text(parent)}')
        if entry.kind == 'symlink' and (not entry.content or b'\0' in entry.content):
            entry.fail('is a symbolic link with an impossible target')
        if entry.kind == 'hardlink':
            file = self.by_path.get(entry.link or b'')
            if file is None or file.kind != 'file':
                entry.fail('is a hard link to something else than a file before it')
            entry.mode, entry.omitted = file.mode, file.omitted
        self.entries.append(entry)
        self.by_path[entry.path] = entry

    def finish(self) -> Dump:
        """Check contents against sizes and hashes, and what needs all entries to be known."""
        for entry in self.entries:
            if entry.kind == 'hardlink':
                file = self.by_path[entry.link or b'']
                if (entry.size, entry.sha256) != (file.size, file.sha256):
                    entry.fail('is a hard link with another size or hash than its file')
            elif entry.content is not None:
                if entry.size != len(entry.content):
                    entry.fail(f'has {len(entry.content)} bytes, not {entry.size} as declared')
                if entry.sha256 != sha256(entry.content):
                    entry.fail('has other content than its SHA-256 tells')
        return self


def sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def parents_of(path: bytes) -> Iterator[bytes]:
    """`a` and `a/b` of `a/b/c`."""
    at = path.find(b'/')
    while at >= 0:
        yield path[:at]
        at = path.find(b'/', at + 1)


# --- Paths and values (sections 1 and 2.2) -------------------------------------------------------

ESCAPED = ('\x00-\x1f`\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e'
           '\u2066-\u2069\ufeff\ud800-\udfff')
MUST_ESCAPE = re.compile(f'[{ESCAPED}]')
NOT_PLAIN = re.compile(f'[{ESCAPED}"\\\\]|^ | \\Z')
MODE = '(?:[0-7]{3}|[1-7][0-7]{3})'
MTIME = r'(?:0|-?[1-9][0-9]{0,17})\.[0-9]{9}'


def path_text(path: bytes) -> str:
    """How headings and manifests write a path; safe to show anywhere."""
    text = path.decode('utf-8', 'surrogateescape')
    if not NOT_PLAIN.search(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return MUST_ESCAPE.sub(lambda match: f'\\u{ord(match.group()):04x}', quoted)


def path_bytes(text: Any, offset: Offset) -> bytes:
    """The bytes that Unicode text spells; refused when it is not their one spelling."""
    try:
        path: bytes = text.encode('utf-8', 'surrogateescape')
    except (AttributeError, UnicodeEncodeError):
        raise DumpError('a path or target is not spelled as one', offset) from None
    if path.decode('utf-8', 'surrogateescape') != text:
        raise DumpError('escapes bytes that are valid UTF-8', offset, path)
    return path


def checked_path(path: bytes, offset: Offset) -> bytes:
    if len(path) > MAX_PATH_BYTES or path.count(b'/') >= MAX_PATH_DEPTH:
        raise DumpError('a path is longer or deeper than this reader takes', offset, status=1)
    if b'\0' in path or any(name in (b'', b'.', b'..') for name in path.split(b'/')):
        raise DumpError('is not a path below the root', offset, path)
    return path


def parse_path_text(text: str, kind: str, offset: Offset) -> bytes:
    """The path behind a path-text, which is the only one for it; that of a directory has a `/`."""
    path = path_bytes(parse_json(text, offset) if text.startswith('"') else text, offset)
    if path_text(path) != text:
        raise DumpError('a path is quoted without need, or not as it must be', offset)
    if kind == 'directory':
        if not path.endswith(b'/'):
            raise DumpError('the path-text of a directory does not end in /', offset)
        path = path[:-1]
    return checked_path(path, offset)


def utf8(data: bytes, offset: Offset) -> str:
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError as error:
        raise DumpError('is not UTF-8', (offset or 0) + error.start) from None


def octal(text: Any, offset: Offset) -> int:
    if not isinstance(text, str) or not re.fullmatch(MODE, text):
        raise DumpError('a mode is not three octal digits, or four without a leading 0', offset)
    return int(text, 8)


def nanoseconds(text: Any, offset: Offset) -> int:
    if not isinstance(text, str) or not re.fullmatch(MTIME, text):
        raise DumpError('a time is not seconds and nine digits', offset)
    seconds, fraction = text.split('.')
    return int(seconds) * 10**9 + int(fraction)


def unbase64(data: bytes, entry: Entry) -> bytes:
    try:
        return base64.b64decode(data)
    except binascii.Error:
        entry.fail('is damaged base64')


def check_header(header: Dict[str, Any], offset: Offset) -> None:
    """Name and git state, in the front matter or the first object."""
    kinds = {'branch': str, 'commit': str, 'dirty': bool}
    git = header.get('git', {})
    if not isinstance(header.get('name'), str) or not isinstance(git, dict) or any(
            not isinstance(git[key], kind) for key, kind in kinds.items() if key in git):
        raise DumpError('the name or the git state is malformed', offset)


# --- Markdown (section 2) ------------------------------------------------------------------------

HEADING = re.compile(rb'### `([^\n]*)`\n\n')
OPENING = re.compile(rb'(`{3,64}|~{3,64})([^`~\n]+)\n')
INFO = re.compile(
    rf'[A-Za-z0-9+#._-]+(?: (?P<kind>directory|symlink|hardlink))?(?: mode=(?P<mode>{MODE}))?'
    rf'(?: mtime=(?P<mtime>{MTIME}))?(?P<omitted> omitted)?(?P<base64> base64)?'
    r'(?: charset=(?P<charset>[^ ]+))?(?P<crlf> eol=crlf)?(?P<noeol> noeol)?'
    r'(?: bytes=(?P<bytes>0|[1-9][0-9]{0,14}))?')
KEY = re.compile('[a-z][a-z0-9-]*')
ROW = re.compile(r'([0-9a-f]{64}|-) ([0-7]{6}) (0|[1-9][0-9]{0,15}) (.+)')
FOOTER = re.compile(rb'<!-- arc-dump/1 entries=(0|[1-9][0-9]*) sha256=([0-9a-f]{64}) -->\n')
CHARSETS = {'utf-16le': (b'\xff\xfe', 'utf-16-le'), 'utf-16be': (b'\xfe\xff', 'utf-16-be'),
            'windows-1252': (b'', 'cp1252')}


class Markdown:
    """One pass over a document; `at` is the place of the next byte."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.dump = data, 0, Dump()

    def fail(self, message: str) -> NoReturn:
        raise DumpError(message, self.at)

    def take(self, expected: bytes) -> None:
        if not self.data.startswith(expected, self.at):
            self.fail(f'expected {expected!r}, or the document is cut off')
        self.at += len(expected)

    def line(self) -> str:
        """The next line, without its LF."""
        end = self.data.find(b'\n', self.at)
        if end < 0:
            self.fail('the document is cut off')
        start, self.at = self.at, end + 1
        return utf8(self.data[start:end], start)

    def read(self) -> Dump:
        self.front_matter()
        start = self.data.find(b'\n## Files\n', self.at - 1) + 1
        if start == 0:
            self.fail('the line "## Files" is missing')
        preamble, self.at, frame = self.data[:start], start, []
        self.take(b'## Files\n\n')
        while self.data.startswith(b'### `', self.at):
            frame_end, next_start = self.section()
            frame.append(self.data[start:frame_end])
            start = next_start
        self.manifest()
        frame.append(self.data[start:self.at])
        footer = FOOTER.fullmatch(self.data, self.at)
        if footer is None:
            self.fail('the footer is missing, malformed or not the last line')
        if footer[1].decode() != str(len(self.dump.entries)):
            self.fail('the footer counts other entries')
        if footer[2].decode() != sha256(*frame, preamble):
            self.fail('the digest of everything but the bodies differs')
        return self.dump.finish()

    def front_matter(self) -> None:
        self.take(b'---\n')
        if not self.data.startswith(b'arc-dump: 1\n', self.at):
            status = 1 if self.data.startswith(b'arc-dump: ', self.at) else 3
            raise DumpError('is not of version 1 of arc-dump', self.at, status=status)
        values: Dict[str, Any] = {}
        while not self.data.startswith(b'---\n', self.at):
            start = self.at
            key, colon, value = self.line().partition(': ')
            if not KEY.fullmatch(key) or not colon or key in values:
                raise DumpError('a line of the front matter is malformed', start)
            values[key] = parse_json(value, start)
        check_header(values, self.at)
        if 'modes' in values:
            modes = values['modes']
            if not isinstance(modes, dict) or not {'file', 'directory'} <= modes.keys():
                self.fail('the default modes are malformed')
            self.dump.file_mode = octal(modes['file'], self.at)
            self.dump.directory_mode = octal(modes['directory'], self.at)
        self.take(b'---\n')

    def section(self) -> Tuple[int, int]:
        """Read one section; give where the digest leaves off in it, and where it goes on."""
        start = self.at
        heading = HEADING.match(self.data, start)
        if heading is None:
            self.fail('a heading is malformed')
        self.at = heading.end()
        opening = OPENING.match(self.data, self.at)
        info = INFO.fullmatch(utf8(opening[2], self.at)) if opening else None
        if opening is None or info is None:
            self.fail('an opening fence or its attributes are malformed')
        kind = info['kind'] or 'file'
        entry = Entry(parse_path_text(utf8(heading[1], start), kind, start), kind, start)
        self.attributes(entry, info)
        body_start = self.at = opening.end()
        body = self.body(entry, opening[1], info['bytes'])
        if entry.omitted or kind == 'directory':
            if body:
                entry.fail('must have an empty body')
        else:
            entry.content = decode_body(entry, body, info)
        if kind == 'hardlink':
            file, entry.content = entry.content or b'', None
            entry.link = parse_path_text(utf8(file, body_start), 'file', body_start)
        body_end = self.at = body_start + len(body)
        self.take(opening[1] + b'\n\n')
        self.dump.add(entry)
        return (body_end if kind == 'hardlink' else body_start), body_end

    def attributes(self, entry: Entry, info: re.Match[str]) -> None:
        """Take over mode and time; refuse attributes that mean nothing together."""
        is_directory = entry.kind == 'directory'
        default = self.dump.directory_mode if is_directory else self.dump.file_mode
        if entry.kind in ('file', 'directory'):
            entry.mode = octal(info['mode'], self.at) if info['mode'] else default
        if info['mode'] and (entry.mode == default or entry.kind in ('symlink', 'hardlink')):
            entry.fail('must have no mode attribute')
        if info['mtime']:
            entry.mtime_ns = nanoseconds(info['mtime'], self.at)
        entry.omitted = info['omitted'] is not None
        text = info['charset'] or info['crlf'] or info['noeol']
        encoding = text or info['base64'] or info['bytes']
        recoded = info['charset'] or info['crlf'] or info['base64']
        if ((text and info['base64']) or (entry.omitted and entry.kind != 'file')
                or ((entry.omitted or is_directory) and encoding)
                or (entry.kind == 'hardlink' and (recoded or info['mtime'] or not info['noeol']))):
            entry.fail('has attributes that contradict each other')

    def body(self, entry: Entry, fence: bytes, declared: Optional[str]) -> bytes:
        start = self.at
        if declared is not None:
            end = start + int(declared)
        else:
            end = self.data.find(fence, start, start + MAX_SEARCHED_BODY + len(fence))
            if end < 0:
                entry.fail('has no closing fence, or a long body without bytes=')
        body = self.data[start:end]
        if body and not body.endswith(b'\n'):
            entry.fail('has a body that does not end in LF')
        return body

    def manifest(self) -> None:
        self.take(b'## Manifest\n\n```arc-manifest\n')
        for entry in self.dump.entries:
            start = self.at
            row = ROW.fullmatch(self.line())
            if row is None:
                raise DumpError('its line of the manifest is missing', start, entry.path)
            is_directory = entry.kind == 'directory'
            entry.sha256, entry.size = row[1], int(row[3])
            if (row[2] != entry.type_and_mode()
                    or parse_path_text(row[4], entry.kind, start) != entry.path):
                raise DumpError('path, type or mode differ in the manifest', start, entry.path)
            if ((row[1] == '-') != is_directory or (is_directory and entry.size)
                    or entry.size > MAX_INTEGER):
                raise DumpError('hash or size in the manifest are wrong', start, entry.path)
        self.take(b'```\n\n')


def decode_body(entry: Entry, body: bytes, info: re.Match[str]) -> bytes:
    """The content behind a body (section 2.4)."""
    if info['base64']:
        content = unbase64(body, entry)
        if base64.encodebytes(content) != body:
            entry.fail('is base64 in another form than lines of 76 characters')
        return content
    if not body and (info['noeol'] or info['charset']):
        entry.fail('has an empty body, which has no charset and no line end to remove')
    text = body[:-1] if info['noeol'] else body
    if info['crlf']:
        if b'\r' in text:
            entry.fail('is marked eol=crlf and holds a CR')
        text = text.replace(b'\n', b'\r\n')
    if info['charset']:
        if info['charset'] not in CHARSETS:
            entry.fail('has an unknown charset')
        mark, codec = CHARSETS[info['charset']]
        try:
            text = mark + text.decode('utf-8').encode(codec)
        except UnicodeError:
            entry.fail('holds a character that its charset lacks, or is not UTF-8')
    return text


# --- JSON and JSON Lines (sections 3 and 4) ------------------------------------------------------

LONE_SURROGATE = re.compile('[\ud800-\udfff]')
MEMBER_NAME = re.compile('[a-z][A-Za-z0-9]*')


def unique_members(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError('a member occurs twice')
    if not all(MEMBER_NAME.fullmatch(name) for name in members):
        raise ValueError('the name of a member is not a plain word')
    return members


def no_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not JSON')


def no_fraction(digits: str) -> NoReturn:
    raise ValueError('a number is not an integer in plain decimal')


def plain_integer(digits: str) -> int:
    if digits == '-0' or len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise ValueError('a number is not an integer of at most 53 bits in plain decimal')
    return int(digits)


DECODER = json.JSONDecoder(object_pairs_hook=unique_members, parse_constant=no_constant,
                           parse_float=no_fraction, parse_int=plain_integer)
LINK_MEMBERS = {'path', 'type', 'size', 'sha256'}
MEMBERS = {  # by type: required, optional
    'file': (LINK_MEMBERS | {'mode'}, {'mtime', 'text', 'base64', 'omitted'}),
    'directory': ({'path', 'type', 'mode'}, {'mtime'}),
    'symlink': (LINK_MEMBERS | {'target'}, {'mtime'}),
    'hardlink': (LINK_MEMBERS | {'to'}, set()),
}
KNOWN_MEMBERS = {'end'}.union(*(required | optional for required, optional in MEMBERS.values()))


def parse_json(text: str, offset: Offset) -> Any:
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        before = len(text[:error.pos].encode('utf-8', 'surrogatepass'))
        where = None if offset is None else offset + before
        raise DumpError(f'is not JSON: {error.msg}', where) from None
    except (ValueError, RecursionError) as error:
        raise DumpError(f'is not JSON as it must be: {error}', offset) from None
    if depth_of(value) > MAX_JSON_DEPTH:
        raise DumpError('is JSON nested deeper than this reader takes', offset)
    return value


def depth_of(value: Any) -> int:
    """Objects and arrays inside one another."""
    depth, level = 0, [value]
    while True:
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return depth
        depth += 1
        level = [inner for one in level
                 for inner in (one.values() if isinstance(one, dict) else one)]


def canonical(value: Any) -> bytes:
    """What ECMAScript's JSON.stringify makes of a value (section 3.1)."""
    text = json.dumps(value, ensure_ascii=False, separators=(',', ':'))
    return LONE_SURROGATE.sub(lambda match: f'\\u{ord(match.group()):04x}', text).encode()


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch('[0-9a-f]{64}', value) is not None


def check_json_header(header: Any, offset: Offset) -> None:
    version = header.get('arcDump') if isinstance(header, dict) else None
    if type(version) is not int or version != 1:
        status = 1 if type(version) is int else 3
        raise DumpError('is not of version 1 of arc-dump', offset, status=status)
    check_header(header, offset)


def check_json_footer(footer: Any, offset: Offset, dump: Dump) -> None:
    if not isinstance(footer, dict) or footer.get('end') is not True:
        raise DumpError('the footer is malformed', offset)
    count = footer.get('entries')
    if not is_count(count) or count != len(dump.entries):
        raise DumpError('the footer counts other entries', offset)
    if list(footer)[-1] != 'sha256':
        raise DumpError('the footer does not end in its digest', offset)


def json_entry(value: Any, offset: Offset) -> Entry:
    kind = value.get('type') if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in MEMBERS:
        raise DumpError('an entry has no known type', offset)
    path = checked_path(path_bytes(value.get('path'), offset), offset)
    entry = Entry(path, kind, offset)
    required, optional = MEMBERS[kind]
    if not required <= value.keys() or value.keys() & KNOWN_MEMBERS - required - optional:
        entry.fail('lacks a member or has one that belongs to another type')
    if 'mode' in value:
        entry.mode = octal(value['mode'], offset)
    if 'mtime' in value:
        entry.mtime_ns = nanoseconds(value['mtime'], offset)
    if kind != 'directory':
        entry.size, entry.sha256 = value['size'], value['sha256']
        if not is_count(entry.size) or not is_hash(entry.sha256):
            entry.fail('has a malformed size or SHA-256')
    if kind == 'symlink':
        entry.content = path_bytes(value['target'], offset)
    elif kind == 'hardlink':
        entry.link = path_bytes(value['to'], offset)
    elif kind == 'file':
        file_content(entry, value)
    return entry


def file_content(entry: Entry, value: Dict[str, Any]) -> None:
    spellings = {'text', 'base64', 'omitted'} & value.keys()
    if len(spellings) != 1:
        entry.fail('must have one of text, base64 and omitted')
    spelling = spellings.pop()
    if spelling == 'omitted':
        entry.omitted = True
        if value['omitted'] is not True:
            entry.fail('has a malformed omitted')
        return
    pieces = value[spelling] if isinstance(value[spelling], list) else [value[spelling]]
    content = []
    for piece in pieces:
        try:
            content.append(piece.encode('utf-8' if spelling == 'text' else 'ascii'))
        except (AttributeError, UnicodeEncodeError):
            entry.fail('has content that is not a string of valid Unicode, or of base64')
        if spelling == 'base64':
            spelled, content[-1] = content[-1], unbase64(content[-1], entry)
            if base64.b64encode(content[-1]) != spelled:
                entry.fail('is base64 in another form than one padded line')
    entry.content = b''.join(content)


Record = Tuple[Offset, Any]
JSON_START, ENTRIES_START, FOOTER_START = b'{"dump":', b',"entries":[', b'],"footer":'


def json_records(data: bytes) -> Iterator[Record]:
    """Header, entries and footer, from JSON Lines or JSON in any layout."""
    line_end = data.find(b'\n')
    if line_end >= 0 and is_json_lines(data[:line_end]):
        for start, end in line_spans(data):
            yield start, parse_json(utf8(data[start:end], start), start)
    elif data.startswith(JSON_START) and data.endswith(ENTRIES_START, 0, max(line_end, 0)):
        for start, end in our_json_spans(data):
            yield start, parse_json(utf8(data[start:end], start), start)
    else:
        document = parse_json(utf8(data, 0), 0)
        if list(document) != ['dump', 'entries', 'footer']:
            raise DumpError('is JSON, but no arc-dump', 0)
        if not isinstance(document['entries'], list):
            raise DumpError('the entries are no array', 0)
        for value in [document['dump'], *document['entries'], document['footer']]:
            yield None, value


def is_json_lines(first_line: bytes) -> bool:
    try:
        header = json.loads(first_line.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and 'arcDump' in header


def line_spans(data: bytes) -> Iterator[Tuple[int, int]]:
    at = 0
    while at < len(data):
        end = data.find(b'\n', at)
        if end < 0:
            raise DumpError('the document is cut off in its last line', at)
        yield at, end
        at = end + 1


def our_json_spans(data: bytes) -> Iterator[Tuple[int, int]]:
    """Header, entries and footer in the layout of section 4: an entry a line, commas behind."""
    comma_before: Optional[bool] = None
    for start, end in line_spans(data):
        is_footer = data.startswith(b']', start)
        if start == 0:
            yield len(JSON_START), end - len(ENTRIES_START)
        elif comma_before is not None and comma_before == is_footer:
            raise DumpError('the entries are not separated by commas', start)
        elif not is_footer:
            comma_before = data.endswith(b',', start, end)
            yield start, end - comma_before
        elif data.startswith(FOOTER_START, start) and data.endswith(b'}', start, end):
            yield start + len(FOOTER_START), end - 1
            if end + 1 != len(data):
                raise DumpError('something follows the footer', end + 1)
            return
        else:
            raise DumpError('the footer is malformed', start)


def read_json(data: bytes) -> Dump:
    dump, digest, records = Dump(), hashlib.sha256(), list(json_records(data))
    offset, header = records[0]
    check_json_header(header, offset)
    digest.update(canonical(header) + b'\n')
    for offset, value in records[1:-1]:
        dump.add(json_entry(value, offset))
        digest.update(canonical(value) + b'\n')
    offset, footer = records[-1]
    if not isinstance(footer, dict) or 'end' not in footer:
        raise DumpError('the footer is missing: the document is cut off', len(data))
    check_json_footer(footer, offset, dump)
    stated = footer.pop('sha256')
    digest.update(canonical(footer)[:-1])
    if stated != digest.hexdigest():
        raise DumpError('the digest of everything differs: the document was changed', len(data))
    return dump.finish()


# --- Documents, compressed or not ----------------------------------------------------------------

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


def read_dump(data: bytes) -> Dump:
    """Read and check a whole document, decompressed."""
    if data.startswith(b'---\n'):
        return Markdown(data).read()
    if data.startswith(b'{'):
        return read_json(data)
    raise DumpError('is no arc-dump', 0)


def load(path: str, max_bytes: int) -> bytes:
    """The document in a file, decompressed."""
    with open(path, 'rb') as file:
        data = read_bounded(file, max_bytes)
    if data.startswith(b'\x1f\x8b'):
        return gunzip(data, max_bytes)
    return unzstd(data, max_bytes) if data.startswith(ZSTD_MAGIC) else data


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """All members; Python's own gzip module overlooks zeros behind the last one."""
    pieces, room = [], max_bytes + 1
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            pieces.append(member.decompress(data, max(room, 1)))
        except zlib.error as error:
            raise DumpError(f'is damaged as gzip: {error}') from None
        room -= len(pieces[-1])
        if room <= 0:
            raise too_large(max_bytes)
        if not member.eof:
            raise DumpError('is cut off as gzip')
        data = member.unused_data
    return b''.join(pieces)


def unzstd(data: bytes, max_bytes: int) -> bytes:
    if zstd_frame_end(data) != len(data):
        raise DumpError('is not one zstd frame, or cut off')
    try:
        zstd = importlib.import_module('compression.zstd')
    except ImportError:
        return unzstd_by_program(data, max_bytes)
    try:
        return read_bounded(zstd.ZstdFile(io.BytesIO(data)), max_bytes)
    except (zstd.ZstdError, EOFError) as error:
        raise DumpError(f'is damaged or cut off as zstd: {error}') from None


def zstd_frame_end(data: bytes) -> int:
    """Where the first frame ends (RFC 8878, 3.1.1): decoders differ about what follows."""
    flags = data[4] if len(data) > 4 else 0
    single_segment = flags >> 5 & 1
    at = 5 + (1 - single_segment) + (0, 1, 2, 4)[flags & 3] + (single_segment, 2, 4, 8)[flags >> 6]
    while at + 3 <= len(data):
        block = int.from_bytes(data[at:at + 3], 'little')
        is_run = block >> 1 & 3 == 1
        at += 3 + (1 if is_run else block >> 3)
        if block & 1:
            return at + (4 if flags & 4 else 0)
    return -1


def unzstd_by_program(data: bytes, max_bytes: int) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        try:
            command = subprocess.Popen(['zstd', '-dcq'], stdin=file, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            message = 'is compressed: install the zstd program, or use Python 3.14 or newer'
            raise DumpError(message, status=1) from None
    with command:
        assert command.stdout is not None
        try:
            document = read_bounded(command.stdout, max_bytes)
        except DumpError:
            command.kill()
            raise
    if command.returncode != 0:
        raise DumpError('is damaged as zstd')
    return document


def read_bounded(stream: Any, max_bytes: int) -> bytes:
    pieces: List[bytes] = []
    size = 0
    while True:
        piece = stream.read(1 << 20)
        size += len(piece)
        if size > max_bytes:
            raise too_large(max_bytes)
        if not piece:
            return b''.join(pieces)
        pieces.append(piece)


def too_large(max_bytes: int) -> DumpError:
    return DumpError(f'is larger than {max_bytes} bytes: see --max-bytes', status=1)


# --- Restoring -----------------------------------------------------------------------------------

class Target:
    """A new tree below an open directory. Each step is relative to an open directory, follows no
    link and creates exclusively, so paths may be of any length and nothing is written twice."""

    def __init__(self, root: str) -> None:
        if os.name != 'posix':
            raise DumpError('restoring needs a POSIX system: names here are not bytes', status=1)
        self.below = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        try:
            os.mkdir(root, 0o700)
            self.is_new = True
        except FileExistsError:
            self.is_new = False
        self.root = os.open(root.rstrip('/') or '/', self.below)
        if os.listdir(self.root):
            raise DumpError('the directory to restore into is not empty', status=1)

    @contextmanager
    def parent(self, path: bytes) -> Iterator[Tuple[int, bytes]]:
        """The open directory that holds `path`, and the name in it."""
        *names, last = path.split(b'/')
        at = os.dup(self.root)
        try:
            for name in names:
                above, at = at, os.open(name, self.below, dir_fd=at)
                os.close(above)
            yield at, last
        finally:
            os.close(at)

    def directory(self, path: bytes) -> None:
        with self.parent(path) as (at, name):
            os.mkdir(name, 0o700, dir_fd=at)

    def file(self, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with self.parent(entry.path) as (at, name):
            with open(os.open(name, flags, 0o600, dir_fd=at), 'wb') as file:
                file.write(entry.content or b'')
                file.flush()
                finish(file.fileno(), entry.mode, entry.mtime_ns)

    def hard_link(self, entry: Entry) -> None:
        with self.parent(entry.link or b'') as (file_at, file):
            with self.parent(entry.path) as (at, name):
                os.link(file, name, src_dir_fd=file_at, dst_dir_fd=at, follow_symlinks=False)

    def symbolic_link(self, entry: Entry) -> None:
        with self.parent(entry.path) as (at, name):
            os.symlink(entry.content or b'', name, dir_fd=at)
            if entry.mtime_ns is not None:
                times = (entry.mtime_ns, entry.mtime_ns)
                os.utime(name, ns=times, dir_fd=at, follow_symlinks=False)

    def finish_directory(self, path: bytes, mode: int, mtime_ns: Optional[int]) -> None:
        with self.parent(path) as (at, name):
            directory = os.open(name, self.below, dir_fd=at)
            try:
                finish(directory, mode, mtime_ns)
            finally:
                os.close(directory)


def finish(descriptor: int, mode: int, mtime_ns: Optional[int]) -> None:
    os.fchmod(descriptor, mode)
    if mtime_ns is not None:
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))


def restore(dump: Dump, root: str) -> None:
    """Create the tree; symbolic links after all that is written, modes of directories last."""
    target = Target(root)
    listed = {entry.path: entry for entry in dump.entries if entry.kind == 'directory'}
    parents = {parent for entry in dump.entries for parent in parents_of(entry.path)}
    directories = sorted(parents | listed.keys())
    present = [entry for entry in dump.entries if not entry.omitted]
    path = b''
    try:
        for path in directories:
            target.directory(path)
        for kind, create in (('file', target.file), ('hardlink', target.hard_link),
                             ('symlink', target.symbolic_link)):
            for entry in present:
                path = entry.path
                if entry.kind == kind:
                    create(entry)
        for path in reversed(directories):  # children before their parents
            entry = listed.get(path) or Entry(path, 'directory', None, dump.directory_mode)
            target.finish_directory(path, entry.mode, entry.mtime_ns)
        if target.is_new:
            os.fchmod(target.root, 0o755)  # that of the root itself is not recorded
    except (OSError, OverflowError) as error:  # the latter: a time that the system does not know
        reason = error.strerror if isinstance(error, OSError) else error
        message = f'{reason}; what was restored so far is incomplete'
        raise DumpError(message, None, path, status=1) from None
    finally:
        os.close(target.root)
    missing = len(dump.entries) - len(present)
    if missing:
        raise DumpError(f'restored without {missing} files whose content was left out', status=1)


# --- Command line --------------------------------------------------------------------------------

def parse_arguments(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Read arc-dump/1 documents.')
    parser.add_argument('--max-bytes', type=int, default=DEFAULT_MAX_BYTES, metavar='N',
                        help='refuse documents larger than this, decompressed (%(default)s)')
    commands = parser.add_subparsers(dest='command', required=True)
    for name, text in (('list', 'print a line per entry: hash, mode, size, path'),
                       ('verify', 'check everything, write nothing'),
                       ('restore', 'create the tree in a new or empty directory')):
        command = commands.add_parser(name, help=text)
        command.add_argument('dump', metavar='DUMP')
        if name == 'restore':
            command.add_argument('directory', metavar='DIR')
    return parser.parse_args(arguments)


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse_arguments(arguments)
    shown = path_text(os.fsencode(options.dump))
    lines = []
    try:
        dump = read_dump(load(options.dump, options.max_bytes))
        if options.command == 'list':
            lines = [entry.manifest_line() for entry in dump.entries]
        elif options.command == 'verify':
            lines = [f'{shown}: {len(dump.entries)} entries are intact']
        else:
            restore(dump, options.directory)
        sys.stdout.buffer.write(''.join(line + '\n' for line in lines).encode())
        sys.stdout.flush()
        return 0
    except DumpError as error:
        print(f'read_dump: {shown}: {error}', file=sys.stderr)
        return error.status
    except BrokenPipeError:  # `list | head`: nobody is left to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        print(f'read_dump: {shown}: not enough memory to hold it', file=sys.stderr)
        return 1
    except OSError as error:
        where = shown if error.filename is None else path_text(os.fsencode(error.filename))
        print(f'read_dump: {where}: {error.strerror or error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
