import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ArchiveFormat, writeArchiveFile } from '@arc/archive/node'
import { type Entry, type EntrySource, memorySource, printablePath } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { fileEntry, temporaryFolder } from '@arc/core/testing'

/** One red pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

/** Text that is something else than it looks like. */
export const DECEIVING = 'if (user) { /* \u202e } \u2066if (admin)\u2069 \u2066 */ \u001b[31mred\n'

/** Files that compress well, badly and not at all; one is too large for any buffer. */
export const FILES: readonly Entry[] = [
  fileEntry('deceiving.js', DECEIVING),
  fileEntry('empty', ''),
  fileEntry('folder/large.txt', Array.from({ length: 200_000 }, (_, i) => `line ${i * i}\n`).join('')),
  fileEntry('folder/pixel.png', PNG),
  fileEntry('zeros', Buffer.alloc(5000)),
]

/** An archive of the entries. */
export async function archiveOf(entries: readonly Entry[], format: ArchiveFormat): Promise<Buffer> {
  using folder = temporaryFolder()
  const path = join(folder.path, 'archive')
  await writeArchiveFile(memorySource('archive', entries), path, { format })
  return readFileSync(path)
}

/** The list of a source as the page shows it. */
export async function rowsOf(source: EntrySource): Promise<string[]> {
  const entries = (await Array.fromAsync(source.entries())).flat()
  return entries.map(({ path, type, mode, sizeBytes, target }) => {
    const letter = { file: '-', directory: 'd', symlink: 'l' }[type]
    const size = type === 'file' ? sizeBytes.toLocaleString('en') : ''
    const arrow = target === undefined ? '' : ` → ${printablePath(target)}`
    return `${letter}${mode.toString(8).padStart(4, '0')} ${size} ${printablePath(path)}${arrow}`
  })
}

/** A JSON Lines dump as an attacker makes it: a path of any kind, all digests right. */
export function dumpWithPath(path: string): Buffer {
  const text = 'x\n'
  const record = { path, type: 'file', mode: '644', text, size: text.length, sha256: sha256Hex(Buffer.from(text)) }
  const lines = `${JSON.stringify({ arcDump: 1, name: 'x' })}\n${JSON.stringify(record)}\n`
  const figures = JSON.stringify({ end: true, entries: 1, files: 1, lines: 1, bytes: 2, languages: [] }).slice(0, -1)
  return Buffer.from(`${lines}${figures},"sha256":"${sha256Hex(Buffer.from(lines + figures))}"}\n`)
}

/** A tar archive of one empty file, as an attacker makes it. */
export function tarWithPath(path: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(path, 0)
  header.write('0000644\0', 100)
  header.write('00000000000\0', 124)
  header.write('00000000000\0', 136)
  header.write(' '.repeat(8), 148)
  header.write('0ustar\x0000', 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, Buffer.alloc(1024)])
}

/** The same with one bit of one byte changed. */
export function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}
