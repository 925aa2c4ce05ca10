import { closeSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { errnoOf, systemCallError } from '@arc/core'
import {
  type FileSystem,
  isAbandoned,
  makeFolders,
  sha256Hex,
  startSha256,
  syncDirectory,
  takeTurn,
  temporaryPathFor,
  writeFully,
} from '@arc/core/node'
import { unzstdPieces, zstdPieces } from './compression.ts'
import { verified } from './content-bytes.ts'
import type { Content, ContentInput, ReadRange, StageOptions } from './store.ts'
import { damagedStore } from './store-error.ts'

/** What is at most this long lies in the index and the log; a file of its own would take a block of 4 KiB and two syncs. */
export const INLINE_BYTES: number = 16 * 1024
const PIECE_BYTES = 256 * 1024

/** Content that was put aside for a commit. */
export interface StagedContent {
  readonly sha256: string
  readonly sizeBytes: number
  readonly encoding: 'zstd' | undefined
  /** As it will be kept, when it is small. */
  readonly bytes: Uint8Array | undefined
  /** The plain bytes, when they are at hand. */
  readonly plain: Uint8Array | undefined
  /** The object to be, when it is large. */
  readonly objectPath: string | undefined
  /** The plain bytes as a file, when the object is compressed. */
  readonly plainPath: string | undefined
}

/** Large contents of a local store, each a file named by its SHA-256, and what is on its way to become one. */
export class ObjectFolder {
  readonly #objects: string
  readonly #staging: string
  readonly #fs: FileSystem

  constructor(control: string, fs: FileSystem) {
    this.#objects = join(control, 'objects')
    this.#staging = join(control, 'staging')
    this.#fs = fs
  }

  create(): void {
    for (const folder of [this.#objects, this.#staging]) makeFolders(folder, { fs: this.#fs })
  }

  path(sha256: string, encoding: 'zstd' | undefined): string {
    return join(this.#objects, sha256.slice(0, 2), encoding === 'zstd' ? `${sha256}.zst` : sha256)
  }

  /** Put content aside: small in memory, large in a durable file. */
  async stage(input: ContentInput, options: StageOptions): Promise<StagedContent> {
    if (input instanceof Uint8Array && input.length <= INLINE_BYTES) return inlineContent(input, options)
    const head: Uint8Array[] = []
    let headBytes = 0
    const pieces = input instanceof Uint8Array ? slices(input) : input
    const iterator = toAsync(pieces)[Symbol.asyncIterator]()
    for (let next = await iterator.next(); ; next = await iterator.next()) {
      options.signal?.throwIfAborted()
      if (next.done === true) return inlineContent(Buffer.concat(head), options)
      head.push(Uint8Array.from(next.value))
      headBytes += next.value.length
      if (headBytes > INLINE_BYTES) break
    }
    return this.#stageFile(head, { [Symbol.asyncIterator]: () => iterator }, options)
  }

  async #stageFile(head: Uint8Array[], rest: AsyncIterable<Uint8Array>, options: StageOptions): Promise<StagedContent> {
    const plainPath = temporaryPathFor(join(this.#staging, 'content'))
    const sha = startSha256()
    let sizeBytes = 0
    const { signal, onProgress } = options
    await this.#writeFile(plainPath, async (write) => {
      const take = (piece: Uint8Array): void => {
        sha.update(piece)
        write(piece)
        sizeBytes += piece.length
        onProgress?.({ phase: 'writing', doneEntries: 0, doneBytes: sizeBytes, totalEntries: 1 })
      }
      for (const piece of head) take(piece)
      for await (const piece of rest) {
        take(piece)
        await takeTurn(signal)
      }
    })
    const staged = { sha256: sha.digestHex(), sizeBytes, bytes: undefined, plain: undefined }
    if (options.compress !== true)
      return { ...staged, encoding: undefined, objectPath: plainPath, plainPath: undefined }
    const objectPath = temporaryPathFor(join(this.#staging, 'object'))
    let keptBytes = 0
    await this.#writeFile(objectPath, async (write) => {
      for await (const piece of zstdPieces(this.pieces(plainPath, 0, sizeBytes))) {
        write(piece)
        keptBytes += piece.length
      }
    })
    if (keptBytes < sizeBytes) return { ...staged, encoding: 'zstd', objectPath, plainPath }
    this.#fs.unlinkSync(objectPath)
    return { ...staged, encoding: undefined, objectPath: plainPath, plainPath: undefined }
  }

  async #writeFile(path: string, fill: (write: (bytes: Uint8Array) => void) => Promise<void>): Promise<void> {
    try {
      const fd = this.#fs.openSync(path, 'wx', 0o666)
      try {
        await fill((bytes) => writeFully(this.#fs, fd, bytes, null))
        this.#fs.fsyncSync(fd)
      } finally {
        this.#fs.closeSync(fd)
      }
    } catch (error) {
      this.#remove(path)
      throw errnoOf(error) === undefined ? error : systemCallError(error, 'write', path)
    }
  }

  /** Make a staged file an object. For the holder of the write turn. */
  adopt({ sha256, encoding, objectPath }: StagedContent): void {
    if (objectPath === undefined) return
    const path = this.path(sha256, encoding)
    try {
      const folder = dirname(path)
      if (makeFolders(folder, { fs: this.#fs }).length > 0) syncDirectory(this.#objects, this.#fs)
      this.#fs.renameSync(objectPath, path)
      syncDirectory(folder, this.#fs)
    } catch (error) {
      throw systemCallError(error, 'write', path)
    }
  }

  /** Remove what a commit did not take. */
  discard({ objectPath, plainPath }: StagedContent): void {
    for (const path of [objectPath, plainPath]) if (path !== undefined) this.#remove(path)
  }

  /** Remove an object that nothing refers to. */
  removeObject(sha256: string): void {
    this.#remove(this.path(sha256, undefined))
    this.#remove(this.path(sha256, 'zstd'))
  }

  exists(sha256: string, encoding: 'zstd' | undefined): boolean {
    return this.#fs.existsSync(this.path(sha256, encoding))
  }

  /** Files that writers that are gone left behind. */
  removeAbandoned(): number {
    let count = 0
    for (const name of this.#fs.readdirSync(this.#staging)) {
      if (!isAbandoned(join(this.#staging, name), this.#fs)) continue
      this.#remove(join(this.#staging, name))
      count++
    }
    return count
  }

  /** Every object there is. */
  *list(): Generator<{ sha256: string; encoding: 'zstd' | undefined }, void, undefined> {
    for (const folder of this.#fs.existsSync(this.#objects) ? this.#fs.readdirSync(this.#objects) : []) {
      for (const name of this.#fs.readdirSync(join(this.#objects, folder))) {
        const [, sha256, extension] = /^([0-9a-f]{64})(\.zst)?$/.exec(name) ?? []
        if (sha256 !== undefined) yield { sha256, encoding: extension === undefined ? undefined : 'zstd' }
      }
    }
  }

  /** The plain bytes of an object. Throws `ARC_STORE_DAMAGED` when it is gone. */
  read(sha256: string, sizeBytes: number, encoding: 'zstd' | undefined, { range, signal }: ReadRange): Content {
    const { start, end } = clampRange(range, sizeBytes)
    const path = this.path(sha256, encoding)
    if (!this.#fs.existsSync(path)) throw damagedStore(path, 'the content of a version is gone')
    const pieces =
      encoding === 'zstd' ? cut(this.#decompressed(path), start, end) : toAsync(this.pieces(path, start, end, signal))
    const checked = range === undefined ? verified(pieces, sha256, path) : pieces
    return { sizeBytes: end - start, [Symbol.asyncIterator]: () => checked[Symbol.asyncIterator]() }
  }

  async *#decompressed(path: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* unzstdPieces(this.pieces(path, 0, this.#fs.statSync(path).size))
    } catch (error) {
      throw damagedStore(path, 'it cannot be decompressed', error)
    }
  }

  *pieces(path: string, start: number, end: number, signal?: AbortSignal): Generator<Uint8Array, void, undefined> {
    const fd = openSync(path, 'r')
    try {
      yield* filePieces(fd, start, end, signal)
    } finally {
      closeSync(fd)
    }
  }

  #remove(path: string): void {
    try {
      this.#fs.unlinkSync(path)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw systemCallError(error, 'remove', path)
    }
  }
}

/** Bytes `start` to `end` of an open file. */
export function* filePieces(
  fd: number,
  start: number,
  end: number,
  signal?: AbortSignal,
): Generator<Uint8Array, void, undefined> {
  const into = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(1, end - start)))
  for (let at = start; at < end;) {
    signal?.throwIfAborted()
    const count = readSync(fd, into, 0, Math.min(into.length, end - at), at)
    if (count === 0) return
    yield into.subarray(0, count)
    at += count
  }
}

function inlineContent(plain: Uint8Array, { compress, onProgress }: StageOptions): StagedContent {
  const kept = compress === true ? zstdCompressSync(plain) : plain
  const isSmaller = kept.length < plain.length
  onProgress?.({ phase: 'writing', doneEntries: 0, doneBytes: plain.length, totalEntries: 1, totalBytes: plain.length })
  return {
    sha256: sha256Hex(plain),
    sizeBytes: plain.length,
    encoding: isSmaller ? 'zstd' : undefined,
    bytes: isSmaller ? kept : plain,
    plain,
    objectPath: undefined,
    plainPath: undefined,
  }
}

/** The plain bytes of a small content. */
export function inlineBytes(
  bytes: Uint8Array,
  sizeBytes: number,
  encoding: 'zstd' | undefined,
  place: string,
): Uint8Array {
  if (encoding === undefined) return bytes
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: sizeBytes + 1 })
  } catch (error) {
    throw damagedStore(place, 'a content cannot be decompressed', error)
  }
}

/** Where a range begins and ends in that many bytes. */
export function clampRange(range: ReadRange['range'], sizeBytes: number): { start: number; end: number } {
  const end = Math.min(range?.end ?? sizeBytes, sizeBytes)
  return { start: Math.min(range?.start ?? 0, end), end }
}

/** Bytes `start` to `end` of a sequence that can only be read from its beginning. */
export async function* cut(
  pieces: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0
  for await (const piece of pieces) {
    const from = Math.max(0, start - at)
    const to = Math.min(piece.length, end - at)
    if (from < to) yield piece.subarray(from, to)
    at += piece.length
    if (at >= end) return
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

async function* toAsync(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}
