"""Tests of read_dump.py, in one process because thousands of damaged documents are read.

    python3 -B tools/test_read_dump.py

Documents are put together here by the page docs/formats/arc-dump-1.md, without any help from the
reader: `Section` and `markdown` know section 2, `JSON_HEADER` and the functions below it 3 and 4.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import tempfile
import unittest
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple
from unittest import mock

import read_dump
from read_dump import DumpError


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Section:
    """One section and its line in the manifest, as they are to be written."""

    name: str
    info: str
    body: bytes = b''
    content: Optional[bytes] = None  # the body itself by default
    mode: str = '100644'
    fence: str = '```'
    row: Optional[str] = None  # instead of the line that belongs here

    def heading(self) -> bytes:
        return f'### `{self.name}`\n\n{self.fence}{self.info}\n'.encode()

    def manifest_line(self) -> bytes:
        content = self.body if self.content is None else self.content
        if self.mode.startswith('04'):
            line = f'- {self.mode} 0 {self.name}\n'
        else:
            line = f'{sha256(content)} {self.mode} {len(content)} {self.name}\n'
        return (line if self.row is None else self.row).encode()


PREAMBLE = b'---\narc-dump: 1\nname: "x"\n---\n\n# x\n\n'


def markdown(sections: List[Section], preamble: bytes = PREAMBLE, count: Optional[int] = None) -> bytes:
    """The document of these sections, with the digest that belongs to it."""
    document = frame = b'## Files\n\n'
    for section in sections:
        closing = f'{section.fence}\n\n'.encode()
        document += section.heading() + section.body + closing
        # No hash in the manifest tells where a hard link leads.
        frame += section.heading() + (section.body if ' hardlink' in section.info else b'') + closing
    rows = b''.join(section.manifest_line() for section in sections)
    manifest = b'## Manifest\n\n```arc-manifest\n' + rows + b'```\n\n'
    digest = sha256(frame + manifest + preamble)
    entries = len(sections) if count is None else count
    footer = f'<!-- arc-dump/1 entries={entries} sha256={digest} -->\n'
    return preamble + document + manifest + footer.encode()


def link(name: str, target: bytes) -> Section:
    return Section(name, 'text symlink noeol', target + b'\n', target, mode='120000')


def directory(name: str, mode: str = '755') -> Section:
    info = 'text directory' + ('' if mode == '755' else f' mode={mode}')
    return Section(name, info, mode=f'04{mode:>04}')


def hard_link(name: str, file: str, content: bytes, mode: str = '100644') -> Section:
    return Section(name, 'text hardlink noeol', f'{file}\n'.encode(), content, mode=mode)


IMITATION = b'---\n## Files\n\n### `z`\n\n```text\nz\n```\n\n## Manifest\n<!-- arc-dump/1 entries=0 -->\n'
EVERYTHING = [
    Section('" a\\n"', 'text', b'odd name\n'),
    Section('bin', 'text base64', b'AAEC/w==\n', b'\0\1\2\xff'),
    directory('"caf\\udce9/"'),
    Section('crlf', 'text eol=crlf', b'a\nb\n', b'a\r\nb\r\n'),
    Section('crlf-noeol', 'text eol=crlf noeol', b'a\nb\n', b'a\r\nb'),
    directory('dir/', '700'),
    directory('dir/ /'),
    Section('dir/exe', 'sh mode=4755', b'#!/bin/sh\n', mode='104755'),
    hard_link('dir/same', 'dir/exe', b'#!/bin/sh\n', '104755'),
    Section('empty', 'text'),
    Section('imitation', 'markdown', IMITATION, fence='~~~~'),
    Section('latin', 'text charset=windows-1252 noeol', 'café €\n'.encode(), b'caf\xe9 \x80'),
    link('link', b'/nowhere/at all'),
    Section('mixed', 'text', b'a\rb\r\nc\n\x0c\n'),
    Section('sized', 'text bytes=4', b'abc\n'),
    Section('utf16', 'text charset=utf-16le eol=crlf', 'hä\n'.encode(),
            b'\xff\xfe' + 'hä\r\n'.encode('utf-16-le')),
    Section('zeit', 'text mtime=-2.500000000', b'old\n'),
]

JSON_HEADER = '{"arcDump":1,"name":"x","git":{"branch":"main","dirty":false}}'
STATISTICS = '"files":3,"lines":1,"bytes":13,"languages":[{"name":"Text","files":1,"lines":1,"bytes":9}]'


def json_entries() -> List[str]:
    def line(path: str, kind: str, content: Optional[bytes], rest: str) -> str:
        known = '' if content is None else f',"size":{len(content)},"sha256":"{sha256(content)}"'
        return f'{{"path":"{path}","type":"{kind}"{known}{rest}}}'

    return [
        line(' a\\n', 'file', b'odd name\n', ',"mode":"644","text":"odd name\\n"'),
        line('bin', 'file', b'\0\1\2\xff', ',"mode":"4755","mtime":"1.000000001","base64":["AAE=","Av8="]'),
        line('caf\\udce9', 'directory', None, ',"mode":"755"'),
        line('same', 'hardlink', b'\0\1\2\xff', ',"to":"bin"'),
        line('z', 'symlink', b'caf\xe9', ',"mtime":"2.000000000","target":"caf\\udce9"'),
    ]


def json_footer(entries: List[str], header: str) -> str:
    """The digest is over the objects as JSON.stringify spells them, which they are here."""
    lines = ''.join(f'{line}\n' for line in [header, *entries])
    figures = f'{{"end":true,"entries":{len(entries)},{STATISTICS}'
    return f'{figures},"sha256":"{sha256((lines + figures).encode())}"}}'


def json_lines(entries: List[str], header: str = JSON_HEADER) -> bytes:
    return ''.join(f'{line}\n' for line in [header, *entries, json_footer(entries, header)]).encode()


def json_document(entries: List[str], header: str = JSON_HEADER) -> bytes:
    listed = ''.join(f'\n{entry},' for entry in entries)[:-1]
    return f'{{"dump":{header},"entries":[{listed}\n],"footer":{json_footer(entries, header)}}}\n'.encode()


Tree = Dict[bytes, Tuple[int, Optional[bytes]]]


def read_tree(root: str) -> Tree:
    """Type and mode, and content or target, of every path; not recorded: modes of links."""
    tree: Tree = {}
    for folder, names, files in os.walk(os.fsencode(root)):
        for name in names + files:
            at = os.path.join(folder, name)
            info = os.lstat(at)
            mode, content = info.st_mode, None
            if stat.S_ISLNK(mode):
                mode, content = 0o120000, os.readlink(at)
            elif stat.S_ISREG(mode):
                content = pathlib.Path(os.fsdecode(at)).read_bytes()
            tree[os.path.relpath(at, os.fsencode(root))] = (mode, content)
    return tree


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix='arc-test-')
        self.addCleanup(shutil.rmtree, self.folder)

    def run_command(self, *arguments: str, document: bytes = b'') -> Tuple[int, str, str]:
        """Exit status, standard output and standard error of the command on a document."""
        dump = os.path.join(self.folder, 'dump')
        pathlib.Path(dump).write_bytes(document)
        out, err = io.TextIOWrapper(io.BytesIO(), 'utf-8'), io.StringIO()
        command, *rest = arguments
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = read_dump.main([command, dump, *rest])
        out.seek(0)
        return status, out.read(), err.getvalue()

    def restored(self, document: bytes) -> Tree:
        target = os.path.join(self.folder, 'restored')
        self.assertEqual(self.run_command('restore', target, document=document), (0, '', ''))
        return read_tree(target)


class Restores(Scratch):
    def test_every_kind_of_entry_from_markdown(self) -> None:
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        tree = self.restored(markdown(EVERYTHING))
        self.assertEqual(tree, {
            b' a\n': (0o100644, b'odd name\n'),
            b'caf\xe9': (0o40755, None),
            b'bin': (0o100644, b'\0\1\2\xff'),
            b'crlf': (0o100644, b'a\r\nb\r\n'),
            b'crlf-noeol': (0o100644, b'a\r\nb'),
            b'dir': (0o40700, None),
            b'dir/ ': (0o40755, None),
            b'dir/exe': (0o104755, b'#!/bin/sh\n'),
            b'dir/same': (0o104755, b'#!/bin/sh\n'),
            b'empty': (0o100644, b''),
            b'imitation': (0o100644, IMITATION),
            b'latin': (0o100644, b'caf\xe9 \x80'),
            b'link': (0o120000, b'/nowhere/at all'),
            b'mixed': (0o100644, b'a\rb\r\nc\n\x0c\n'),
            b'sized': (0o100644, b'abc\n'),
            b'utf16': (0o100644, b'\xff\xfeh\0\xe4\0\r\0\n\0'),
            b'zeit': (0o100644, b'old\n'),
        })
        target = os.path.join(self.folder, 'restored')
        self.assertEqual(os.lstat(target + '/dir/exe').st_nlink, 2)
        self.assertEqual(os.lstat(target + '/zeit').st_mtime_ns, -1_500_000_000)
        self.assertEqual(stat.S_IMODE(os.lstat(target).st_mode), 0o755)

    def test_every_kind_of_entry_from_json(self) -> None:
        for spell in (json_lines, json_document):
            with self.subTest(spell.__name__):
                tree = self.restored(spell(json_entries()))
                target = os.path.join(self.folder, 'restored')
                self.assertEqual(tree, {
                    b' a\n': (0o100644, b'odd name\n'),
                    b'bin': (0o104755, b'\0\1\2\xff'),
                    b'caf\xe9': (0o40755, None),
                    b'same': (0o104755, b'\0\1\2\xff'),
                    b'z': (0o120000, b'caf\xe9'),
                })
                self.assertEqual(os.lstat(target + '/same').st_nlink, 2)
                self.assertEqual(os.lstat(target + '/same').st_mtime_ns, 1_000_000_001)
                self.assertEqual(os.lstat(target + '/z').st_mtime_ns, 2_000_000_000)
                shutil.rmtree(target)

    def test_default_modes_of_the_front_matter(self) -> None:
        preamble = PREAMBLE.replace(b'"x"\n', b'"x"\nmodes: {"file":"600","directory":"700"}\nmore: [1]\n')
        sections = [Section('a/b', 'text', b'b\n', mode='100600'), Section('c', 'text mode=644', mode='100644')]
        self.assertEqual(self.restored(markdown(sections, preamble)), {
            b'a': (0o40700, None), b'a/b': (0o100600, b'b\n'), b'c': (0o100644, b'')})

    def test_a_tree_deeper_than_a_path_may_be_long(self) -> None:
        path = '/'.join(['d' * 250] * 40)
        target = os.path.join(self.folder, 'restored')
        document = markdown([Section(path, 'text', b'deep\n')])
        self.assertEqual(self.run_command('restore', target, document=document), (0, '', ''))
        *_, (_, _, files, at) = os.fwalk(target)
        self.assertEqual(files, ['d' * 250])

    def test_an_empty_project(self) -> None:
        for document in (markdown([]), json_lines([]), json_document([])):
            self.assertEqual(self.restored(document), {})

    def test_compressed_documents(self) -> None:
        document = markdown(EVERYTHING)
        status, plain, _ = self.run_command('list', document=document)
        self.assertEqual((status, len(plain.splitlines())), (0, len(EVERYTHING)))
        self.assertEqual(self.run_command('list', document=gzip.compress(document)), (0, plain, ''))
        # A frame of one raw block: no compressor is needed to write zstd.
        gzipped = gzip.compress(document)
        self.assertEqual(self.run_command('list', document=gzip.compress(document[:99]) + gzip.compress(document[99:])), (0, plain, ''))
        for tail in (b'\0', b'junk', gzipped, gzipped[:20]):
            self.assertEqual(self.run_command('list', document=gzipped + tail)[0], 3, tail)
        frame = b'\x28\xb5\x2f\xfd\x80\x50' + len(document).to_bytes(4, 'little')
        frame = frame + (len(document) << 3 | 1).to_bytes(3, 'little') + document
        expected = (0, plain, '') if can_read_zstd() else (1, '', mock.ANY)
        self.assertEqual(self.run_command('list', document=frame), expected)
        for wrong in (frame[:-9], frame + b'\0', frame + frame, frame[:4]):
            self.assertEqual(self.run_command('list', document=wrong)[0], 3)
        self.assertEqual(self.run_command('list', document=gzip.compress(document)[:-9])[0], 3)
        with mock.patch.dict(os.environ, PATH='/nonexistent'), no_module('compression'):
            status, out, err = self.run_command('list', document=frame)
        self.assertEqual((status, out), (1, ''))
        self.assertIn('install the zstd program', err)

    def test_list_prints_the_manifest(self) -> None:
        document = markdown(EVERYTHING)
        manifest = document.decode().partition('```arc-manifest\n')[2].partition('```')[0]
        self.assertEqual(self.run_command('list', document=document), (0, manifest, ''))

    def test_json_of_another_layout(self) -> None:
        ours = json_document(json_entries())
        value = json.loads(ours)
        for other in (json.dumps(value, indent=1), json.dumps(value), json.dumps(value, ensure_ascii=False, separators=(',', ':')) + '\n'):
            document = other.encode('utf-8', 'surrogatepass').replace(b'\xed\xb3\xa9', b'\\udce9')
            status, out, err = self.run_command('verify', document=document)
            self.assertEqual((status, err), (0, ''))
            self.assertEqual(self.run_command('verify', document=document.replace(b'13', b'14'))[0], 3)
        lines = json_lines(json_entries()).replace(b'":', b'" :\t').replace(b'\n', b' \r\n')
        self.assertEqual(self.run_command('verify', document=lines)[0], 0)
        reordered = json.dumps(value, indent=1, sort_keys=True).encode()
        self.assertEqual(self.run_command('verify', document=reordered)[0], 3)

    def test_the_canonical_spelling(self) -> None:
        value = json.loads('{"a":"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\\\/\\u007f\\u00e9\\u2028\\ud83d\\ude00\\udce9\\ud800","b":[-1,0,true,null]}')
        wanted = '{"a":"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f\u00e9\u2028\U0001f600\\udce9\\ud800","b":[-1,0,true,null]}'
        self.assertEqual(read_dump.canonical(value).decode(), wanted)

    def test_members_of_a_later_version(self) -> None:
        entries = [entry.replace('"type"', '"later":{"x":[null,-1]},"type"') for entry in json_entries()]
        for spell in (json_lines, json_document):
            self.assertEqual(self.run_command('verify', document=spell(entries))[0], 0)

    def test_omitted_content(self) -> None:
        row = f'{sha256(b"gone")} 100644 4 a/b\n'
        document = markdown([Section('a/b', 'text omitted', row=row), Section('c', 'text')])
        target = os.path.join(self.folder, 'restored')
        self.assertEqual(self.run_command('verify', document=document)[0], 0)
        status, _, err = self.run_command('restore', target, document=document)
        self.assertEqual((status, err.count('\n')), (1, 1))
        self.assertEqual(read_tree(target), {b'a': (0o40755, None), b'c': (0o100644, b'')})


def can_read_zstd() -> bool:
    with contextlib.suppress(ImportError):
        __import__('compression.zstd')
        return True
    return shutil.which('zstd') is not None


def no_module(name: str) -> 'mock._patch_dict':
    return mock.patch.dict('sys.modules', {name: None})


A = Section('a', 'text', b'a\n')
REFUSED_MARKDOWN = {
    'twice or out of order': [[A, A], [Section('b', 'text'), A], [Section('a/b', 'text'), Section('a-b', 'text')]],
    'lies below': [[A, Section('a/b', 'text')], [link('a', b'/tmp'), Section('a-', 'text'), Section('a/b', 'text')]],
    'not a path below': [[Section(name, 'text')] for name in
                         ('/a', 'a/', 'a//b', '..', 'a/../b', '.', './a', '', '"\\u0000"')],
    'not end in /': [[Section('a', 'text directory', mode='040755')]],
    'without need': [[Section(name, 'text')] for name in (
        ' a', 'a ', '\x7f', 'a\\b', 'a`b', '\u202e', 'a"', '"a"', '"a\u202e"', '"\\n" ', '"\\u000a"', '"\\udCe9"', '"a\\u0020"',
        '"\\/"')],
    'is not JSON': [[Section(name, 'text')] for name in ('"caf\\udce9"/', '"', '"a', '"a"b"')],
    'valid UTF-8': [[Section('"\\udcc3\\udca9"', 'text')]],
    'not spelled': [[Section('"\\ud800"', 'text')], [Section('"\\udc41"', 'text')]],
    'impossible target': [[link('a', b'')], [Section('a', 'text symlink base64', b'AA==\n', b'\0', '120000')]],
    'something else than a file': [[hard_link('a', 'b', b'')], [hard_link('a', 'a', b'')],
                                   [link('a', b'b'), hard_link('b', 'a', b'b')],
                                   [A, hard_link('b', 'a', b'a\n'), hard_link('c', 'b', b'a\n')]],
    'another size or hash': [[A, hard_link('b', 'a', b'b\n')]],
    'attributes are malformed': [[Section('a', info)] for info in (
        '', ' ', 'text ', 'text  noeol', 'text noeol noeol', 'text noeol eol=crlf', 'text unknown', 'text mode=0',
        'text mode=888', 'text mode=0755', 'text mode=07777', 'text symlink hardlink', 'text mtime=1', 'text mtime=-0.000000000', 'text bytes=00')],
    'no mode attribute': [[Section('a', 'text mode=644')], [Section('a', 'text symlink mode=777 noeol', b'b\n')]],
    'contradict': [[Section('a', 'text base64 noeol')], [Section('a', 'text base64 charset=utf-16le')],
                   *([Section('a', f'text omitted {one}', b'', row='')] for one in ('base64', 'noeol', 'bytes=0')),
                   *([Section('a/', f'text directory {one}', mode='040755')] for one in ('noeol', 'omitted', 'bytes=0')),
                   [Section('a', 'text symlink omitted', mode='120000')],
                   *([A, Section('b', f'text hardlink {one}', b'a\n', b'a\n')] for one in (
                       'mtime=1.000000000 noeol', 'omitted', 'base64', 'eol=crlf noeol', 'bytes=2'))],
    'empty body': [[Section('a', 'text omitted', b'a\n')], [Section('a/', 'text directory', b'a\n', mode='040755')]],
    'has an empty body': [[Section('a', 'text noeol')], [Section('a', 'text charset=utf-16le', b'', b'\xff\xfe')]],
    'long body without': [[Section('a', 'text', b'a' * 1_048_576 + b'\n')]],
    'does not end in LF': [[Section('a', 'text bytes=1', b'a')],
                           [Section('a', 'text', b'b ```\n')], [Section('a', 'text', b' ~~~\n', fence='~~~')]],
    'holds a CR': [[Section('a', 'text eol=crlf', b'a\r\n')]],
    'another form': [[Section('a', 'text base64', body, b'a')] for body in (b'YR==\n', b'YQ==\n\n', b'Y Q==\n')],
    'damaged base64': [[Section('a', 'text base64', b'YQ=\n', b'a')]],
    'unknown charset': [[Section('a', 'text charset=latin-1', b'a\n')]],
    'charset lacks': [[Section('a', 'text charset=windows-1252', '\x81\n'.encode())],
                      [Section('a', 'text charset=windows-1252', 'Ω\n'.encode())],
                      [Section('a', 'text charset=utf-16le', b'\xff\n')]],
    'not 3 as declared': [[Section('a', 'text', b'a\n', row=f'{sha256(b"a")} 100644 3 a\n')]],
    'SHA-256 tells': [[Section('a', 'text', b'a\n', b'b\n')]],
    'differ in the manifest': [[Section('a', 'text', mode='100755')],
                               [Section('a', 'text', row=f'{"0" * 64} 100644 0 b\n')]],
    'are wrong': [[Section('a', 'text', row='- 100644 0 a\n')],
                  [Section('a/', 'text directory', row='- 040755 1 a/\n', mode='040755')]],
    'manifest is missing': [[A, Section('b', 'text', row='')], [Section('a', 'text', row=f'{"A" * 64} 100644 0 a\n')]],
    'expected': [[Section('a', 'text', b'````\n')], [Section('a', 'text bytes=4', b'abc\nabc\n')],
                 [Section('a', 'text', row=f'{sha256(b"")} 100644 0 a\n{sha256(b"")} 100644 0 b\n')]],
}


class Refuses(Scratch):
    def refused(self, document: bytes, why: str, status: int = 3) -> None:
        """The document is refused in one line that says why, and nothing is written."""
        target = os.path.join(self.folder, 'restored')
        result = self.run_command('restore', target, document=document)
        self.assertEqual((result[0], result[1], result[2].count('\n')), (status, '', 1), result)
        self.assertIn(why, result[2])
        self.assertFalse(os.path.exists(target))

    def test_markdown_against_the_page(self) -> None:
        for why, documents in REFUSED_MARKDOWN.items():
            for number, sections in enumerate(documents):
                with self.subTest(why, number=number):
                    self.refused(markdown(sections), why)

    def test_frames_against_the_page(self) -> None:
        good = markdown([A])
        cases = [
            (good + b'\n', 'not the last line'),
            (good.replace(b'\n\n## Files', b'\n\n## File'), '"## Files" is missing'),
            (good.replace(b'# x', b'# y'), 'digest'),
            (markdown([A], count=2), 'counts other entries'),
            (b'\xef\xbb\xbf' + good, 'is no arc-dump'),
            (markdown([A], PREAMBLE.replace(b'name: "x"\n', b'')), 'name'),
            (markdown([A], PREAMBLE.replace(b'"x"', b"'x'")), 'is not JSON'),
            (markdown([A], PREAMBLE.replace(b'---\n\n', b'git: {"dirty":1}\n---\n\n')), 'git state'),
            (markdown([A], PREAMBLE.replace(b'---\n\n', b'name: "y"\n---\n\n')), 'front matter'),
            (markdown([A], PREAMBLE.replace(b'---\n\n', b'Name: "y"\n---\n\n')), 'front matter'),
            (markdown([A], PREAMBLE.replace(b'---\n\n', b'git: {"dirty":true,"dirty":true}\n---\n\n')), 'occurs twice'),
            (markdown([A], PREAMBLE.replace(b'"x"', b'"\xff"')), 'is not UTF-8'),
            (good.replace(b'`a`', b'`\xff`'), 'is not UTF-8'),
            (good.replace(b' a\n', b' \xff\n'), 'is not UTF-8'),
            (markdown([A], PREAMBLE.replace(b'---\n\n', b'modes: {"file":"9"}\n---\n\n')), 'default modes'),
        ]
        for number, (document, why) in enumerate(cases):
            with self.subTest(why, number=number):
                self.refused(document, why)
        self.refused(markdown([A], PREAMBLE.replace(b': 1', b': 2')), 'version 1', status=1)

    def test_json_against_the_page(self) -> None:
        hash_of_a = sha256(b'a')
        file = f'{{"path":"a","type":"file","mode":"644","size":1,"sha256":"{hash_of_a}","text":"a"}}'
        self.assertEqual(len(read_dump.read_dump(json_lines([file])).entries), 1)
        changes = [
            ('"path":"a"', '"path":"../a"', 'not a path below'),
            ('"path":"a",', '', 'not spelled'),
            ('"path":"a"', '"path":"\\udcc3\\udca9"', 'valid UTF-8'),
            ('"path":"a"', '"path":"a","path":"a"', 'occurs twice'),
            ('"file"', '"fifo"', 'no known type'),
            ('"file"', '["file"]', 'no known type'),
            ('"file"', '"symlink","target":"b"', 'belongs to another type'),
            ('"mode"', '"target":"b","mode"', 'belongs to another type'),
            ('"mode"', '"end":true,"mode"', 'another type'),
            ('"mode"', '"Later":1,"mode"', 'plain word'),
            ('"mode"', '"1":1,"mode"', 'plain word'),
            ('"mode"', '"later":1.0,"mode"', 'plain decimal'),
            ('"mode"', '"later":1e3,"mode"', 'plain decimal'),
            ('"mode"', '"later":-0,"mode"', 'plain decimal'),
            ('"mode"', '"later":9007199254740992,"mode"', 'plain decimal'),
            ('"644"', '"0644"', 'octal'),
            ('"mode":"644",', '', 'lacks a member'),
            ('"644"', '420', 'octal'),
            ('"mode"', '"mtime":"1.5","mode"', 'nine digits'),
            ('"size":1', '"size":true', 'malformed size'),
            ('"size":1', '"size":' + '1' * 21, 'plain decimal'),
            ('"size":1', '"size":1.0', 'plain decimal'),
            ('"size":1', '"size":2', 'not 2 as declared'),
            (hash_of_a, '0' * 64, 'SHA-256 tells'),
            ('"text"', '"txt"', 'must have one'),
            ('"text":"a"', '"text":"a","base64":"YQ=="', 'must have one'),
            ('"text":"a"', '"text":"\\ud800"', 'valid Unicode'),
            ('"text":"a"', '"text":["a",1]', 'valid Unicode'),
            ('"text":"a"', '"text":NaN', 'is not JSON'),
            ('"text":"a"', '"text":' + '[' * 100_000, 'is not JSON'),
            ('"text":"a"', '"base64":"YR=="', 'another form'),
            ('"text":"a"', '"base64":"YQ==\\n"', 'another form'),
            ('"text":"a"', '"base64":"Y"', 'damaged base64'),
            ('"text":"a"', '"omitted":false', 'malformed omitted'),
        ]
        for before, after, why in changes:
            self.assertIn(before, file)
            for spell in (json_lines, json_document):
                with self.subTest(after[:40], spelling=spell.__name__):
                    self.refused(spell([file.replace(before, after, 1)]), why)
        for spell in (json_lines, json_document):
            self.refused(spell([file, file]), 'out of order')
            self.refused(spell([file], '{"arcDump":2,"name":"x"}'), 'version 1', status=1)
            self.refused(spell([file], '{"arcDump":1}'), 'name')
            self.refused(spell([file]).replace(b'"entries":1', b'"entries":2'), 'counts other')
            self.refused(spell([file]).replace(b'"name":"x"', b'"name":"y"'), 'digest')
            self.refused(spell([file]) + b'{}\n', '')
            self.refused(spell([file]).replace(b'"end":true', b'"end":1'), 'footer is malformed')
            self.refused(spell([file]).replace(b'"lines":1', b'"lines":2'), 'digest')
            self.refused(spell([file]).replace(b'"lines":1', b'"lines":1,"lines":1'), 'occurs twice')
            self.refused(spell([file]).replace(b'"end":true', b'"sha256":"","end":true').replace(b',"sha256"', b',"x"'), '')
            self.refused(spell(['{"path":"a","type":"directory","mode":"755","size":1}']), 'belongs to another type')
            for long in ('a' * 20_000, 'a/' * 2000 + 'a'):
                self.refused(spell([file.replace('"path":"a"', f'"path":"{long}"')]), 'longer or deeper', status=1)

    def test_truncation_anywhere(self) -> None:
        for document in (markdown(EVERYTHING), json_lines(json_entries()), json_document(json_entries())):
            for length in range(len(document) - 1):
                with self.assertRaises(DumpError, msg=str(length)):
                    read_dump.read_dump(document[:length])

    def test_targets_that_are_in_use(self) -> None:
        outside = os.path.join(self.folder, 'outside')
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.folder, 'link'))
        document = markdown([A])
        for target in ('link', 'link/'):
            self.assertEqual(self.run_command('restore', os.path.join(self.folder, target), document=document)[0], 1)
        self.assertEqual(os.listdir(outside), [])
        self.assertEqual(self.run_command('restore', outside, document=document)[0], 0)
        status, _, err = self.run_command('restore', outside, document=markdown([Section('b', 'text')]))
        self.assertEqual((status, os.listdir(outside)), (1, ['a']), err)

    def test_more_than_may_be_held(self) -> None:
        bomb = os.path.join(self.folder, 'bomb')
        pathlib.Path(bomb).write_bytes(gzip.compress(bytes(1 << 24)))
        with self.assertRaisesRegex(DumpError, 'larger than'):
            read_dump.load(bomb, 1 << 20)

    def test_usage(self) -> None:
        for arguments in ([], ['restore', 'x'], ['unknown'], ['list']):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as exit:
                read_dump.main(arguments)
            self.assertEqual(exit.exception.code, 2)
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(read_dump.main(['list', '/no/such\nfile']), 1)
        self.assertEqual(err.getvalue(), 'read_dump: "/no/such\\nfile": No such file or directory\n')


class Flips(unittest.TestCase):
    """Change one byte: each of its bits alone, and all together."""

    def survivors(self, document: bytes) -> List[bytes]:
        """Changed documents that are taken for good ones."""
        self.assertGreater(len(read_dump.read_dump(document).entries), 0)
        found, changed = [], bytearray(document)
        for at, byte in enumerate(document):
            for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
                changed[at] = byte ^ flip
                with contextlib.suppress(DumpError):
                    read_dump.read_dump(bytes(changed))
                    found.append(bytes(changed))
            changed[at] = byte
        return found

    def test_markdown(self) -> None:
        self.assertEqual(self.survivors(markdown(EVERYTHING)), [])

    def test_json(self) -> None:
        for spell in (json_lines, json_document):
            document = spell(json_entries())
            # `\\uDCE9` is `\\udce9`: the digest is over values, not over how they are written.
            strange = [changed for changed in self.survivors(document) if changed.lower() != document.lower()]
            self.assertEqual(strange, [], spell.__name__)


if __name__ == '__main__':
    unittest.main()
