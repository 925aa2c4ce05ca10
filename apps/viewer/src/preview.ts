import { type Entry, printablePath, readContent } from '@arc/core'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { hashMismatch } from './hash-mismatch.ts'
import type { Preview } from './protocol.ts'
import { visibleText } from './visible-text.ts'

const TEXT_BYTES = 64 * 1024
const BINARY_BYTES = 4096
const IMAGE_BYTES = 32 * 1024 * 1024
const ROW_BYTES = 16

/** Raster images that every browser shows, by their first bytes. */
const IMAGES: readonly (readonly [string, RegExp])[] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
  ['image/avif', /^[^]{4}ftypavi[fs]/],
  ['image/bmp', /^BM[^]{4}\0\0\0\0/],
]

const BlobOfBrowser = Blob

/** What can be shown of an entry. All its content is read and held against its hash before any of it is shown. */
export async function previewOf(entry: Entry): Promise<Preview> {
  if (entry.content === undefined) return { kind: 'none', reason: describeWithout(entry) }
  const kept: Uint8Array[] = []
  let keptBytes = 0
  let sizeBytes = 0
  const hash = sha256.create()
  for await (const piece of readContent(entry.content)) {
    hash.update(piece)
    sizeBytes += piece.length
    const part = piece.slice(0, IMAGE_BYTES - keptBytes)
    if (part.length > 0) kept.push(part)
    keptBytes += part.length
  }
  const found = bytesToHex(hash.digest())
  if (entry.sha256 !== undefined && entry.sha256 !== found) throw hashMismatch(entry.path)
  return present(join(kept, keptBytes), sizeBytes)
}

function describeWithout(entry: Entry): string {
  if (entry.type === 'directory') return 'a folder'
  if (entry.type === 'symlink') return `a symbolic link to ${printablePath(entry.target ?? '')}`
  return `another name of ${printablePath(entry.hardLink ?? '')}`
}

function join(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(sizeBytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function present(kept: Uint8Array<ArrayBuffer>, sizeBytes: number): Preview {
  const start = String.fromCharCode(...kept.subarray(0, ROW_BYTES))
  const type = IMAGES.find(([, magic]) => magic.test(start))?.[0]
  if (type !== undefined && kept.length === sizeBytes)
    return { kind: 'image', image: new BlobOfBrowser([kept], { type }) }
  const isWhole = sizeBytes <= TEXT_BYTES
  try {
    // `stream`: a sequence that the cut goes through is no mistake.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(kept.subarray(0, TEXT_BYTES), {
      stream: !isWhole,
    })
    if (!text.includes('\0')) return { kind: 'text', runs: visibleText(text), isWhole }
  } catch {
    // No text: shown as bytes.
  }
  return { kind: 'binary', dump: hexDump(kept.subarray(0, BINARY_BYTES)), isWhole: sizeBytes <= BINARY_BYTES }
}

function hexDump(bytes: Uint8Array): string {
  let dump = ''
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const row = [...bytes.subarray(at, at + ROW_BYTES)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    dump += `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(3 * ROW_BYTES)} ${text}\n`
  }
  return dump
}
