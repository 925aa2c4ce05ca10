import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'

// What git writes for contents that are no text, and takes back: git's apply.c and base85.c tell how it is read.

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~'
const LINE_BYTES = 52
const NO_OBJECT = '0'.repeat(40)

/** The body of a patch from one content to another, both whole, so that it can be applied in either direction; `undefined`: no file. */
export function gitBinaryPatch(before: Uint8Array | undefined, after: Uint8Array | undefined): string {
  const literal = (bytes: Uint8Array = new Uint8Array()): string =>
    `literal ${bytes.length}\n${base85(deflateSync(bytes))}\n`
  return `index ${blobName(before)}..${blobName(after)}\nGIT binary patch\n${literal(after)}${literal(before)}`
}

/** What git calls a content: it checks by that whether the file is the one that the patch is for. */
function blobName(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return NO_OBJECT
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** Lines of up to 52 bytes, each behind a letter that tells how many: A is 1, z is 52. */
function base85(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    const line = bytes.subarray(at, at + LINE_BYTES)
    const letter = String.fromCharCode(line.length <= 26 ? 64 + line.length : 96 + line.length - 26)
    lines.push(`${letter}${digits(line)}\n`)
  }
  return lines.join('')
}

/** Each four bytes, the last ones filled up with zeros, as a number of five digits. */
function digits(line: Buffer): string {
  const padded = Buffer.alloc(Math.ceil(line.length / 4) * 4)
  line.copy(padded)
  let text = ''
  for (let at = 0; at < padded.length; at += 4) {
    let rest = padded.readUInt32BE(at)
    let group = ''
    for (let digit = 0; digit < 5; digit++) {
      group = `${ALPHABET[rest % 85]}${group}`
      rest = Math.floor(rest / 85)
    }
    text += group
  }
  return text
}
