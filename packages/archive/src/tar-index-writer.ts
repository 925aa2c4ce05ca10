import { encodePath, type EntryPath } from '@arc/core'
import type { TarRecord } from './tar-encode.ts'
import { BLOCK_BYTES } from './tar-header.ts'
import { LENGTH_BYTES, MAX_BLOCK_ROWS, ROW_TYPES } from './tar-index.ts'

/** With one more row, and all numbers as long as they can be, still less than a block may hold. */
const FULL_TEXT_BYTES = 1024 * 1024

/**
 * Collects rows of the index column by column, because what is alike compresses to a third when it stands together. Of each
 * path there is only what it does not share with the path before.
 */
export class IndexBlock {
  readonly #kinds = new Column()
  readonly #headers = new Column()
  readonly #seconds = new Column()
  readonly #nanoseconds = new Column()
  readonly #lowSizes = new Column()
  readonly #highSizes = new Column()
  readonly #dropped = new Column()
  readonly #columns = [
    this.#kinds,
    this.#headers,
    this.#seconds,
    this.#nanoseconds,
    this.#lowSizes,
    this.#highSizes,
    this.#dropped,
  ]
  #rows = 0
  #lastSeconds = 0
  #lastPath = ''
  /** The folder of the last path, with its slash. */
  #lastFolder = ''
  /** What paths add to the one before, and targets, a NUL behind each: many at once are encoded at the price of one. */
  #added = ''
  #targets = ''

  get isEmpty(): boolean {
    return this.#rows === 0
  }

  get isFull(): boolean {
    return this.#rows === MAX_BLOCK_ROWS || this.#added.length + this.#targets.length > FULL_TEXT_BYTES
  }

  /** Add the row of an entry; not to a full block. */
  add({ path, type, mode, time, sizeBytes, target }: TarRecord, headerBytes: number): void {
    const later = time.seconds - this.#lastSeconds
    this.#lastSeconds = time.seconds
    this.#kinds.varint(ROW_TYPES.indexOf(type) * 0o10000 + mode)
    this.#headers.varint(headerBytes / BLOCK_BYTES)
    this.#seconds.varint(later < 0 ? -2 * later - 1 : 2 * later)
    this.#nanoseconds.varint(time.nanoseconds)
    if (type === 'file') {
      this.#lowSizes.byte(sizeBytes % 256)
      this.#highSizes.varint(Math.floor(sizeBytes / 256))
    }
    const same = this.#sameAsLast(path)
    this.#dropped.varint(byteLength(this.#lastPath.slice(same)))
    this.#added += `${path.slice(same)}\0`
    this.#lastPath = path
    if (target !== undefined) this.#targets += `${target}\0`
    this.#rows++
  }

  /** How much of a path is at the front of the last one, too, in whole characters. */
  #sameAsLast(path: EntryPath): number {
    const last = this.#lastPath
    let same = path.startsWith(this.#lastFolder) ? this.#lastFolder.length : 0
    while (same < path.length && same < last.length && path.charCodeAt(same) === last.charCodeAt(same)) same++
    const folderEnd = path.lastIndexOf('/') + 1
    if (folderEnd !== this.#lastFolder.length || same < folderEnd) this.#lastFolder = path.slice(0, folderEnd)
    return same > 0 && isHighSurrogate(path.charCodeAt(same - 1)) ? same - 1 : same
  }

  /** The block, after its length; the next one is begun. */
  take(): Uint8Array {
    const count = new Column()
    count.varint(this.#rows)
    const numbers = [count, ...this.#columns].map(({ bytes }) => bytes)
    const texts = encodePath((this.#added + this.#targets) as EntryPath)
    const columns = [...numbers, texts]
    const block = new Uint8Array(LENGTH_BYTES + columns.reduce((sum, { length }) => sum + length, 0))
    new DataView(block.buffer).setUint32(0, block.length - LENGTH_BYTES, true)
    let at = LENGTH_BYTES
    for (const column of columns) {
      block.set(column, at)
      at += column.length
    }
    for (const column of this.#columns) column.length = 0
    this.#rows = this.#lastSeconds = 0
    this.#lastPath = this.#lastFolder = this.#added = this.#targets = ''
    return block
  }
}

const NOT_ASCII = /[^\0-\x7f]/

function byteLength(text: string): number {
  return NOT_ASCII.test(text) ? encodePath(text as EntryPath).length : text.length
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

const MAX_VARINT_BYTES = 8

/** The bytes of one column of numbers. */
class Column {
  length = 0
  #bytes = new Uint8Array(256)

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  byte(value: number): void {
    this.#makeRoom()
    this.#bytes[this.length++] = value
  }

  /** Seven bits a byte, the lowest first; the highest bit tells that more follow (LEB128). */
  varint(value: number): void {
    this.#makeRoom()
    let rest = value
    // No bit operators: seconds and sizes pass 2^32.
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.length++] = (rest % 0x80) + 0x80
    this.#bytes[this.length++] = rest
  }

  #makeRoom(): void {
    if (this.length + MAX_VARINT_BYTES <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length)
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
