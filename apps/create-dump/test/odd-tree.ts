import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const CONTENTS: Readonly<Record<string, string | Uint8Array>> = {
  'README.md': '# Odd\n\n````md\n```sh\nls\n```\n````\n',
  'fences.md': '```\n````\n``````````\n~~~\n~~~~~~~~\n',
  'imitation.md': '---\narc-dump: 1\nname: "x"\n---\n\n## Files\n\n### `a`\n\n```text\n',
  'manifest.md': `## Manifest\n\n\`\`\`arc-manifest\n${'0'.repeat(64)} 100644 1 a\n\`\`\`\n\n<!-- arc-dump/1 entries=1 sha256=${'0'.repeat(64)} -->\n`,
  'no-final-newline.txt': 'the end',
  'crlf.txt': 'one\r\ntwo\r\n',
  'crlf-open.txt': 'one\r\ntwo',
  'cr.txt': 'one\rtwo\r',
  'mixed.txt': 'one\r\ntwo\nthree\r',
  'bom.txt': '\ufeffwith a mark\n',
  'utf-16le.txt': Buffer.from('\ufeffwide\r\n', 'utf16le'),
  'utf-16be.txt': Buffer.from('\ufeffwide\n', 'utf16le').swap16(),
  'latin1.txt': Buffer.from('caf\xe9\n', 'latin1'),
  'nul.bin': Buffer.from([0, 1, 2, 0, 255]),
  'invalid.txt': Buffer.from([0x61, 0xff, 0xfe, 0x0a]),
  'controls.txt': '\u0001\u001b[31m\u007f\n',
  'separators.txt': 'a\u2028b\u2029c\n',
  'empty.txt': '',
  'newline.txt': '\n',
  'newlines.txt': '\n\n\n',
  'long-line.txt': `${'x'.repeat(3_000_000)}\n`,
  'all-bytes.bin': Uint8Array.from({ length: 256 }, (_, byte) => byte),
  'big.bin': Buffer.alloc(
    300_000,
    Uint8Array.from({ length: 251 }, (_, i) => (i * 7) % 256),
  ),
  ' space at both ends ': 'x\n',
  'new\nline': 'x\n',
  'tab\there': 'x\n',
  'quote"\'`back\\slash': 'x\n',
  '#heading [link](x) <b>*_|~': 'x\n',
  '..foo': 'x\n',
  '...': 'x\n',
  '-rf': 'x\n',
  'CASE.txt': 'upper\n',
  'case.txt': 'lower\n',
  'form-\u00e9': 'composed\n',
  'form-e\u0301': 'decomposed\n',
  'emoji-🎉/ünï/文字.txt': 'x\n',
  [`${'n'.repeat(246)}.txt`]: 'long name\n',
  [`${Array.from({ length: 40 }, (_, i) => `d${i}`).join('/')}/deep.txt`]: 'deep\n',
}

const LINKS: Readonly<Record<string, string | Uint8Array>> = {
  'links/file': '../README.md',
  'links/folder': '../empty folder',
  'links/dangling': 'nowhere',
  'links/absolute': '/nonexistent/absolute',
  'links/loop': 'loop',
  'links/odd': 'a\nb `c` "d"',
  'links/bytes': Buffer.from([0xff, 0x61]),
}

/** Fill a folder with one of everything that a dump must keep. */
export function writeOddTree(root: string): void {
  for (const [path, content] of Object.entries(CONTENTS)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x6e, 0xe9, 0xff])]), 'a name that is not UTF-8\n')
  for (const [path, target] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(target as string, join(root, path))
  }
  for (const folder of ['empty folder', 'private', 'nested/empty']) mkdirSync(join(root, folder), { recursive: true })
  chmodSync(join(root, 'private'), 0o700)
  for (const [name, mode] of Object.entries({
    script: 0o755,
    readonly: 0o444,
    secret: 0o600,
    strange: 0o641,
    'no-access': 0,
  })) {
    writeFileSync(join(root, name), `mode ${mode.toString(8)}\n`)
    chmodSync(join(root, name), process.getuid?.() === 0 || mode >= 0o400 ? mode : 0o400)
  }
  linkSync(join(root, 'script'), join(root, 'hard link'))
}
