import { ArcError, decodePath, type EntryPath, type Limits, printablePath } from '@arc/core'
import { damaged } from './problems.ts'

const HEX_LENGTH = 64
const BACKSLASH = 0x5c
const LINE_END = 0x0a
const SPACE = 0x20
const DIGEST_BYTES = 32
/** The value of a hexadecimal digit, by its character code; 255 for what is none. */
const NIBBLES = new Uint8Array(256).fill(255)
Array.from('0123456789abcdef', (digit, value) => (NIBBLES[digit.charCodeAt(0)] = value))

/** Told of each line; `digest` is valid until the call returns. */
type ManifestListener = (path: EntryPath, digest: Uint8Array) => void

/** Reads a manifest that comes in pieces, line by line. */
class ManifestLines {
  readonly #maxLineBytes: number
  readonly #onLine: ManifestListener
  readonly #digest = new Uint8Array(DIGEST_BYTES)
  #rest: Uint8Array = new Uint8Array(0)

  constructor(limits: Pick<Limits, 'maxPathBytes'>, onLine: ManifestListener) {
    // Every byte of a name may be escaped.
    this.#maxLineBytes = 1 + HEX_LENGTH + 2 + 2 * limits.maxPathBytes
    this.#onLine = onLine
  }

  push(piece: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? piece : join(this.#rest, piece)
    let at = 0
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, at)) {
      this.#take(bytes.subarray(at, end))
      at = end + 1
    }
    this.#rest = bytes.slice(at)
    if (this.#rest.length > this.#maxLineBytes) throw malformed()
  }

  finish(): void {
    if (this.#rest.length > 0) throw malformed()
  }

  #take(line: Uint8Array): void {
    const isEscaped = line[0] === BACKSLASH
    const start = isEscaped ? 1 : 0
    const separator = start + HEX_LENGTH
    const name = line.subarray(separator + 2)
    if (name.length === 0 || line[separator] !== SPACE || line[separator + 1] !== SPACE) throw malformed()
    for (let i = 0; i < DIGEST_BYTES; i++) {
      const high = NIBBLES[line[start + 2 * i] as number] as number
      const low = NIBBLES[line[start + 2 * i + 1] as number] as number
      if (high > 15 || low > 15) throw malformed()
      this.#digest[i] = (high << 4) | low
    }
    const path = decodePath(name)
    this.#onLine(isEscaped ? unescapeName(path) : path, this.#digest)
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}

const MEANINGS: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' }

function unescapeName(name: EntryPath): EntryPath {
  return name.replace(/\\./gs, (escape) => {
    const meaning = MEANINGS[escape]
    if (meaning === undefined) throw malformed()
    return meaning
  }) as EntryPath
}

function malformed(): ArcError {
  return damaged('its manifest is malformed')
}

function differs(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `the content of ${shown} is not what the archive's manifest says`, {
    path: shown,
    hint: 'Get the archive again from where it was made.',
  })
}

function missing(path: EntryPath): ArcError {
  return damaged('its manifest lists this file, and it is not there', { path })
}

function extra(path: EntryPath): ArcError {
  return damaged('this file is not in its manifest', { path })
}

const CHUNK_DIGESTS = 2048

/** SHA-256 values by number, 32 bytes each: an archive may have millions. */
class DigestList {
  readonly #chunks: Uint8Array[] = []

  set(index: number, digest: Uint8Array): void {
    this.#chunkOf(index).set(digest, (index % CHUNK_DIGESTS) * DIGEST_BYTES)
  }

  setHex(index: number, hex: string): void {
    const chunk = this.#chunkOf(index)
    const at = (index % CHUNK_DIGESTS) * DIGEST_BYTES
    for (let i = 0; i < DIGEST_BYTES; i++)
      chunk[at + i] = ((NIBBLES[hex.charCodeAt(2 * i)] as number) << 4) | (NIBBLES[hex.charCodeAt(2 * i + 1)] as number)
  }

  is(index: number, digest: Uint8Array): boolean {
    const chunk = this.#chunkOf(index)
    const at = (index % CHUNK_DIGESTS) * DIGEST_BYTES
    for (let i = 0; i < DIGEST_BYTES; i++) if (chunk[at + i] !== digest[i]) return false
    return true
  }

  get(index: number): string {
    const chunk = this.#chunkOf(index)
    const at = (index % CHUNK_DIGESTS) * DIGEST_BYTES
    let hex = ''
    for (let i = at; i < at + DIGEST_BYTES; i++) hex += HEX_OF[chunk[i] as number]
    return hex
  }

  #chunkOf(index: number): Uint8Array {
    return (this.#chunks[Math.floor(index / CHUNK_DIGESTS)] ??= new Uint8Array(CHUNK_DIGESTS * DIGEST_BYTES))
  }
}

const HEX_OF = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Holds the files of an archive that is read from front to back against the manifest at its end, which lists them in the
 * same order.
 */
export class ManifestCheck {
  readonly #paths: EntryPath[] = []
  readonly #digests = new DigestList()
  /** Numbers of further names, and what they name. */
  readonly #links = new Map<number, EntryPath>()
  readonly #lines: ManifestLines
  #numbers: Map<EntryPath, number> | undefined
  #next = 0

  constructor(limits: Pick<Limits, 'maxPathBytes'>) {
    this.#lines = new ManifestLines(limits, (path, digest) => this.#compare(path, digest))
  }

  noteFile(path: EntryPath, sha256: string): void {
    this.#digests.setHex(this.#paths.length, sha256)
    this.#paths.push(path)
  }

  /** A further name of the file `first`. */
  noteLink(path: EntryPath, first: EntryPath): void {
    this.#links.set(this.#paths.length, first)
    this.#paths.push(path)
  }

  /** The next bytes of the manifest. Throws `ARC_HASH_MISMATCH` or `ARC_ARCHIVE_DAMAGED`, naming the file. */
  push(piece: Uint8Array): void {
    this.#lines.push(piece)
  }

  /** The manifest is over. Throws `ARC_ARCHIVE_DAMAGED` when it leaves a file out. */
  finish(): void {
    this.#lines.finish()
    const path = this.#paths[this.#next]
    if (path !== undefined) throw extra(path)
  }

  #compare(path: EntryPath, digest: Uint8Array): void {
    const index = this.#next++
    const here = this.#paths[index]
    if (here !== path) {
      if (this.#numberOf(path) === undefined) throw missing(path)
      throw here === undefined ? malformed() : extra(here)
    }
    const first = this.#links.get(index)
    const source = first === undefined ? index : this.#numberOf(first)
    if (source === undefined || !this.#digests.is(source, digest)) throw differs(path)
  }

  #numberOf(path: EntryPath): number | undefined {
    this.#numbers ??= new Map(this.#paths.map((each, index) => [each, index]))
    return this.#numbers.get(path)
  }
}

/** The files of an archive that is read in any order, by number. */
export interface NumberedFiles {
  readonly count: number
  /** The number of what has this path, file or not. */
  numberOf(path: EntryPath): number | undefined
  /** The path of a file that the manifest must list; `undefined` for what is none. */
  fileAt(index: number): EntryPath | undefined
}

/** What the manifest says of each file. */
export interface ManifestDigests {
  /** SHA-256 of the file's content in lower-case hex. */
  of(index: number): string
  /** Throws `ARC_HASH_MISMATCH` unless the content of a file has the SHA-256 that the manifest lists. */
  assertContent(index: number, path: EntryPath, sha256: string): void
}

/** Read a manifest. Throws `ARC_ARCHIVE_DAMAGED` unless it lists exactly the files there are, each once. */
export async function readManifest(
  pieces: AsyncIterable<Uint8Array>,
  files: NumberedFiles,
  limits: Pick<Limits, 'maxPathBytes'>,
): Promise<ManifestDigests> {
  const digests = new DigestList()
  const isListed = new Uint8Array(files.count)
  const lines = new ManifestLines(limits, (path, digest) => {
    const index = files.numberOf(path)
    if (index === undefined || files.fileAt(index) === undefined) throw missing(path)
    if (isListed[index] === 1) throw malformed()
    isListed[index] = 1
    digests.set(index, digest)
  })
  for await (const piece of pieces) lines.push(piece)
  lines.finish()
  for (let index = 0; index < files.count; index++) {
    const path = isListed[index] === 1 ? undefined : files.fileAt(index)
    if (path !== undefined) throw extra(path)
  }
  return {
    of: (index) => digests.get(index),
    assertContent(index, path, sha256) {
      if (digests.get(index) !== sha256) throw differs(path)
    },
  }
}
