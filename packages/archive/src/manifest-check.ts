import { ArcError, decodePath, type EntryPath, type Limits, printablePath } from '@arc/core'
import { manifestPath } from './manifest.ts'
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
type ManifestListener<Name> = (name: EntryPath | Name, digest: Uint8Array) => void

/** The name that should come next, when that is what lies from `from` to `to`: it need not be decoded then. */
type Expectation<Name> = (bytes: Uint8Array, from: number, to: number) => Name | undefined

/** Reads a manifest that comes in pieces, line by line. */
class ManifestLines<Name extends EntryPath | number> {
  readonly #maxLineBytes: number
  readonly #onLine: ManifestListener<Name>
  readonly #expects: Expectation<Name>
  readonly #digest = new Uint8Array(DIGEST_BYTES)
  #rest: Uint8Array = new Uint8Array(0)

  constructor(limits: Pick<Limits, 'maxPathBytes'>, onLine: ManifestListener<Name>, expects: Expectation<Name>) {
    // Every byte of a name may be escaped.
    this.#maxLineBytes = 1 + HEX_LENGTH + 2 + 2 * limits.maxPathBytes
    this.#onLine = onLine
    this.#expects = expects
  }

  push(piece: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? piece : join(this.#rest, piece)
    let at = 0
    for (let end = lineEnd(bytes, at); end >= 0; end = lineEnd(bytes, at)) {
      this.#take(bytes, at, end)
      at = end + 1
    }
    this.#rest = bytes.slice(at)
    if (this.#rest.length > this.#maxLineBytes) throw malformed()
  }

  finish(): void {
    if (this.#rest.length > 0) throw malformed()
  }

  /** Take the line that lies from `from` to `to`. */
  #take(bytes: Uint8Array, from: number, to: number): void {
    const isEscaped = bytes[from] === BACKSLASH
    const start = isEscaped ? from + 1 : from
    const separator = start + HEX_LENGTH
    const name = separator + 2
    if (name >= to || bytes[separator] !== SPACE || bytes[separator + 1] !== SPACE) throw malformed()
    let digits = 0
    for (let i = 0; i < DIGEST_BYTES; i++) {
      const high = NIBBLES[bytes[start + 2 * i] as number] as number
      const low = NIBBLES[bytes[start + 2 * i + 1] as number] as number
      digits |= high | low
      this.#digest[i] = (high << 4) | low
    }
    if (digits > 15) throw malformed()
    const expected = isEscaped ? undefined : this.#expects(bytes, name, to)
    if (expected !== undefined) return this.#onLine(expected, this.#digest)
    const path = decodePath(bytes.subarray(name, to))
    this.#onLine(isEscaped ? unescapeName(path) : manifestPath(path), this.#digest)
  }
}

/** Where the line at `at` ends; negative when its end is not there. A line feed before that would be no digit. */
function lineEnd(bytes: Uint8Array, at: number): number {
  return bytes.indexOf(LINE_END, at + HEX_LENGTH)
}

function isThere(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false
  return true
}

/** True when the bytes from `from` to `to` are the ASCII characters of `path`. */
function isSpelled(path: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (path.length !== to - from) return false
  for (let i = 0; i < path.length; i++) {
    const byte = bytes[from + i] as number
    if (byte > 0x7f || byte !== path.charCodeAt(i)) return false
  }
  return true
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

/** What to throw for a file whose content is not what the manifest says. */
export function differs(path: EntryPath): ArcError {
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
  readonly #lines: ManifestLines<EntryPath>
  #numbers: Map<EntryPath, number> | undefined
  #next = 0

  constructor(limits: Pick<Limits, 'maxPathBytes'>) {
    this.#lines = new ManifestLines(
      limits,
      (path, digest) => this.#compare(path, digest),
      (bytes, from, to) => {
        const path = this.#paths[this.#next]
        return path !== undefined && isSpelled(path, bytes, from, to) ? path : undefined
      },
    )
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
  /** Whether it is a file that the manifest must list. */
  isFile(index: number): boolean
  pathOf(index: number): EntryPath
  /** The name in the archive, as bytes: nearly always those of its path. */
  nameOf(index: number): Uint8Array
}

/** What the manifest says of each file. */
export interface ManifestDigests {
  /** SHA-256 of the file's content in lower-case hex. */
  of(index: number): string
}

/** Read a manifest. Throws `ARC_ARCHIVE_DAMAGED` unless it lists exactly the files there are, each once. */
export async function readManifest(
  pieces: AsyncIterable<Uint8Array>,
  files: NumberedFiles,
  limits: Pick<Limits, 'maxPathBytes'>,
): Promise<ManifestDigests> {
  const digests = new DigestList()
  const isListed = new Uint8Array(files.count)
  const numberOf = (path: EntryPath): number => {
    const index = files.numberOf(path)
    if (index === undefined || !files.isFile(index)) throw missing(path)
    return index
  }
  // The manifest is in the order of the archive, and so, nearly always, are the numbers.
  let next = 0
  const take = (name: EntryPath | number, digest: Uint8Array): void => {
    const index = typeof name === 'number' ? name : numberOf(name)
    if (isListed[index] === 1) throw malformed()
    isListed[index] = 1
    digests.set(index, digest)
    next = index + 1
  }
  const lines = new ManifestLines<number>(limits, take, (bytes, from, to) => {
    while (next < files.count && !files.isFile(next)) next++
    return next < files.count && isThere(files.nameOf(next), bytes, from, to) ? next : undefined
  })
  for await (const piece of pieces) lines.push(piece)
  lines.finish()
  for (let index = 0; index < files.count; index++) {
    if (isListed[index] === 0 && files.isFile(index)) throw extra(files.pathOf(index))
  }
  return { of: (index) => digests.get(index) }
}
