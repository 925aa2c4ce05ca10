import { decodePath, type EntryPath, type Limits } from '@arc/core'
import { damaged, limitExceeded } from './problems.ts'
import { BLOCK_BYTES } from './tar-header.ts'
import { type IndexRow, MAX_BLOCK_ROWS, ROW_TYPES } from './tar-index.ts'

/**
 * The rows of one block of the index, whose columns are read to their ends, and nothing behind them. Throws
 * `ARC_ARCHIVE_DAMAGED` when that is not what it holds, and `ARC_LIMIT_EXCEEDED` at a path that is too long.
 */
export function* indexRows(block: Uint8Array, limits: Readonly<Limits>): Generator<IndexRow, void, void> {
  const fields = new Fields(block)
  const count = fields.varint()
  if (count === 0 || count > MAX_BLOCK_ROWS || count > block.length) throw nonsense()
  const kinds = fields.varints(count)
  const headers = fields.varints(count)
  const seconds = fields.varints(count)
  const nanoseconds = fields.varints(count)
  const fileCount = kinds.reduce((sum, kind) => sum + Number(typeOf(kind) === 'file'), 0)
  const lowSizes = fields.bytes(fileCount)
  const highSizes = fields.varints(fileCount)
  const paths = new Paths(fields.varints(count), fields.texts(count), limits)
  const targets = fields.texts(kinds.reduce((sum, kind) => sum + Number(hasTarget(typeOf(kind))), 0))
  if (!fields.isAtEnd) throw nonsense()
  let [time, files] = [0, 0]
  for (let i = 0; i < count; i++) {
    const type = typeOf(kinds[i] as number)
    const change = seconds[i] as number
    time += change % 2 === 0 ? change / 2 : -(change + 1) / 2
    let sizeBytes = 0
    if (type === 'file') {
      sizeBytes = (highSizes[files] as number) * 256 + (lowSizes[files] as number)
      files++
    }
    const isSense =
      Number.isSafeInteger(sizeBytes) && Number.isSafeInteger(time) && (nanoseconds[i] as number) < NS_PER_SECOND
    if (!isSense) throw nonsense()
    yield {
      type,
      path: paths.next(),
      mode: (kinds[i] as number) & 0o7777,
      mtimeNs: BigInt(time) * BigInt(NS_PER_SECOND) + BigInt(nanoseconds[i] as number),
      sizeBytes,
      target: hasTarget(type) ? decodePath(targets.next()) : undefined,
      headerBytes: (headers[i] as number) * BLOCK_BYTES,
    }
  }
}

const NS_PER_SECOND = 1_000_000_000

function typeOf(kind: number): IndexRow['type'] {
  const type = ROW_TYPES[kind >>> 12]
  if (type === undefined || kind > 0xffff) throw nonsense()
  return type
}

function hasTarget(type: IndexRow['type']): boolean {
  return type === 'symlink' || type === 'hard-link'
}

function nonsense(): Error {
  return damaged('its index makes no sense')
}

/** Puts paths together, each from the one before. */
class Paths {
  readonly #dropped: Float64Array
  readonly #added: Texts
  readonly #maxBytes: number
  readonly #path: Uint8Array
  #length = 0
  #at = 0

  constructor(dropped: Float64Array, added: Texts, { maxPathBytes }: Readonly<Limits>) {
    this.#dropped = dropped
    this.#added = added
    this.#maxBytes = maxPathBytes
    this.#path = new Uint8Array(maxPathBytes)
  }

  next(): EntryPath {
    const same = this.#length - (this.#dropped[this.#at++] as number)
    if (same < 0) throw nonsense()
    const added = this.#added.next()
    if (same + added.length > this.#maxBytes)
      throw limitExceeded('maxPathBytes', this.#maxBytes, 'the length of a path')
    this.#path.set(added, same)
    this.#length = same + added.length
    return decodePath(this.#path.subarray(0, this.#length))
  }
}

/** Texts of one column, each with a NUL at its end. */
class Texts {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    return text
  }
}

/** Reads the fields of a block one after another, and never past its end. */
class Fields {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** A number below 2^53, in no more bytes than it needs. */
  varint(): number {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw damaged('its index is cut off')
      value += (byte & 0x7f) * unit
      if (byte === 0 && unit > 1) throw nonsense()
      if (!Number.isSafeInteger(value)) throw nonsense()
      if (byte < 0x80) return value
    }
  }

  varints(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.varint())
  }

  bytes(count: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count)
    if (bytes.length < count) throw damaged('its index is cut off')
    this.#at += count
    return bytes
  }

  texts(count: number): Texts {
    const start = this.#at
    for (let i = 0; i < count; i++) {
      const end = this.#bytes.indexOf(0, this.#at)
      if (end < 0) throw damaged('its index is cut off')
      this.#at = end + 1
    }
    return new Texts(this.#bytes.subarray(start, this.#at))
  }
}
