"""What other programs read in archives: one JSON object a line for each path on standard input.

Each reader gives rows of kind, name in hex and size, or the reason why it refused.
"""
import json
import os
import posixpath
import re
import subprocess
import sys
import tarfile
import zipfile

ENVIRONMENT = {**os.environ, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'}
KINDS = {'-': 'file', 'C': 'file', 'd': 'directory', 'l': 'symlink', 'h': 'link'}
GNU_LINE = re.compile(rb'^(.)\S+ \S+ +(\d+|\d+,\d+) +\d{4}-\d\d-\d\d +[\d:.]+ (.*)$')
BSD_LINE = re.compile(rb'^(.)\S+ +\d+ +\S+ +\S+ +(\d+|\d+,\d+) +\S+ +\d+ +[\d:]+ (.*)$')
ESCAPES = {b'n': b'\n', b't': b'\t', b'r': b'\r', b'a': b'\a', b'b': b'\b', b'f': b'\f', b'v': b'\v'}


def unescape(text):
    def meaning(match):
        body = match.group(1)
        return bytes([int(body, 8) & 255]) if body.isdigit() else ESCAPES.get(body, body)

    return re.sub(rb'\\([0-7]{3}|.)', meaning, text, flags=re.S)


def row(kind, name, size):
    name = posixpath.normpath(name.replace(b'//', b'/'))
    return None if name == b'.' else [kind, name.hex(), size if kind == 'file' else 0]


def listing(command, pattern):
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return {'refused': 'it hangs'}
    if done.returncode != 0:
        return {'refused': done.stderr[-200:].decode('latin1')}
    rows = []
    for line in done.stdout.split(b'\n')[:-1]:
        match = pattern.match(line)
        if match is None:
            return {'refused': 'its listing is not understood: ' + line[:100].decode('latin1')}
        kind = KINDS.get(chr(match.group(1)[0]), 'other')
        name = match.group(3)
        if b' unknown file type ' in name:  # extracted as a regular file
            kind, name = 'file', name.split(b' unknown file type ')[0]
        if kind == 'symlink':
            name = name.split(b' -> ')[0]
        if kind == 'link':
            name = name.split(b' link to ')[0]
        size = int(match.group(2)) if kind == 'file' else 0
        rows.append(row(kind, unescape(name), size))
    return {'rows': [each for each in rows if each is not None]}


def gnu_tar(path):
    options = ['--list', '--verbose', '--numeric-owner', '--quoting-style=escape', '--force-local', '--file']
    return listing(['tar', *options, path], GNU_LINE)


def bsdtar(path):
    return listing(['bsdtar', '-tvf', path], BSD_LINE)


def python_tar(path):
    rows = []
    with tarfile.open(path, errors='surrogateescape') as archive:
        for member in archive:
            if member.islnk():
                kind = 'link'
            elif member.issym():
                kind = 'symlink'
            elif member.isdir():
                kind = 'directory'
            else:
                kind = 'file' if member.isreg() or member.type not in tarfile.SUPPORTED_TYPES else 'other'
            if kind == 'file':
                stored = archive.extractfile(member)
                while stored.read(1 << 20):
                    pass
            rows.append(row(kind, os.fsencode(member.name), member.size))
    return {'rows': [each for each in rows if each is not None]}


def python_zip(path):
    rows = []
    with zipfile.ZipFile(path) as archive:
        bad = archive.testzip()
        if bad is not None:
            return {'refused': 'checksum of ' + repr(bad)}
        for member in archive.infolist():
            name = member.orig_filename.encode('utf-8' if member.flag_bits & 0x800 else 'cp437')
            mode = member.external_attr >> 28 if member.create_system in (3, 19) else 0
            kind = 'directory' if member.is_dir() else 'symlink' if mode == 0o12 else 'file'
            rows.append(row(kind, name, member.file_size))
    return {'rows': [each for each in rows if each is not None]}


def unzip(path):
    try:
        done = subprocess.run(
            ['unzip', '-tqq', '-P', '', path], capture_output=True, timeout=20, env=ENVIRONMENT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return {'refused': 'it hangs'}
    return {} if done.returncode == 0 else {'refused': (done.stderr or done.stdout)[-200:].decode('latin1')}


def attempt(reader, path):
    try:
        return reader(path)
    except RecursionError:
        return {'refused': 'recursion'}
    except Exception as error:
        return {'refused': type(error).__name__ + ': ' + str(error)[:150]}


def is_zip(path):
    with open(path, 'rb') as file:
        return file.read(2) == b'PK'


for line in sys.stdin.buffer:
    path = os.fsdecode(line.rstrip(b'\n'))
    readers = {'bsdtar': bsdtar}
    if is_zip(path):
        readers.update({'python': python_zip, 'unzip': unzip})
    else:
        readers.update({'tar': gnu_tar, 'python': python_tar})
    print(json.dumps({'path': path, **{name: attempt(reader, path) for name, reader in readers.items()}}), flush=True)
