import { createDeflateRaw, crc32, deflateRawSync } from 'node:zlib'
import { ArcError, encodePath, type Entry, entryChanged, type EntryPath, readContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { contentMissing, type EntryWriter, readSmall, WriteRecord } from './entry-writer.ts'
import type { FrameBuffer } from './frame-buffer.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { encodeCentral, encodeDescriptor, encodeEnd, encodeLocal, type ZipRecord } from './zip-encode.ts'
import { METHOD_DEFLATE, METHOD_STORE, S_IFDIR, S_IFLNK, S_IFREG } from './zip-format.ts'

/** Files up to this size are compressed in one go; larger ones are streamed. */
const SMALL_FILE_BYTES = 4 * 1024 * 1024
const DEFAULT_LEVEL = 6
const MAX_NAME_BYTES = 0xffff

/** Room that a {@link FrameBuffer} must keep for a {@link ZipWriter}: a header, and a content no longer than stored. */
export const ZIP_ROOM_BYTES: number = SMALL_FILE_BYTES + MAX_NAME_BYTES + 1024

export interface ZipWriterOptions {
  manifest: boolean
  mtimeNs: bigint | undefined
  level: number | undefined
}

/** Turns entries into a zip archive. Hard links become files of their own: zip has none. */
export class ZipWriter implements EntryWriter {
  readonly record: WriteRecord
  readonly #buffer: FrameBuffer
  readonly #options: ZipWriterOptions
  readonly #level: number
  readonly #scratch = new Uint8Array(SMALL_FILE_BYTES + 1)
  readonly #central: Uint8Array[] = []
  #centralBytes = 0

  constructor(buffer: FrameBuffer, options: ZipWriterOptions) {
    this.#buffer = buffer
    this.#options = options
    this.#level = options.level ?? DEFAULT_LEVEL
    this.record = new WriteRecord(options)
  }

  add(entry: Entry): void | Promise<void> {
    if (this.record.yieldsToManifest(entry)) return undefined
    if (entry.type === 'directory') this.#addBytes(entry, S_IFDIR, NOTHING, METHOD_STORE)
    else if (entry.type === 'symlink')
      this.#addBytes(entry, S_IFLNK, encodePath(entry.target as EntryPath), METHOD_STORE)
    else if (entry.content === undefined) this.record.omit(entry, contentMissing(entry))
    else if (entry.content.kind === 'sync' && entry.sizeBytes <= SMALL_FILE_BYTES) this.#addSmallFile(entry)
    else return this.#addLargeFile(entry, entry.content)
    return this.#buffer.hasFrame ? this.#buffer.passFrames() : undefined
  }

  async finish(): Promise<void> {
    const manifest = this.record.manifest?.bytes()
    if (manifest !== undefined) {
      const entry: Entry = { path: MANIFEST_NAME, type: 'file', mode: 0o644, sizeBytes: manifest.length, mtimeNs: 0n }
      await this.#stream(entry, [manifest], undefined)
    }
    const offset = this.#buffer.position
    for (const header of this.#central) {
      this.#put(header)
      if (this.#buffer.hasFrame) await this.#buffer.passFrames()
    }
    this.#put(encodeEnd(this.#central.length, this.#centralBytes, offset))
    await this.#buffer.finish()
  }

  #addSmallFile(entry: Entry): void {
    try {
      readSmall(entry, this.#scratch.subarray(0, entry.sizeBytes + 1))
    } catch (error) {
      return this.record.omit(entry, error)
    }
    const content = this.#scratch.subarray(0, entry.sizeBytes)
    const sha256 = this.record.manifest === undefined ? undefined : sha256Hex(content)
    this.#addBytes(entry, S_IFREG, content, this.#level === 0 ? METHOD_STORE : METHOD_DEFLATE, sha256)
  }

  #addBytes(entry: Entry, type: number, content: Uint8Array, method: number, sha256?: string): void {
    const deflated = method === METHOD_STORE || content.length === 0 ? undefined : deflate(content, this.#level)
    const stored = deflated === undefined || deflated.length >= content.length ? content : deflated
    const record: ZipRecord = {
      ...this.#header(entry, type),
      method: stored === content ? METHOD_STORE : METHOD_DEFLATE,
      crc: crc32(content),
      compressedBytes: stored.length,
      sizeBytes: content.length,
    }
    this.#put(encodeLocal(record, false))
    this.#put(stored)
    this.#remember(encodeCentral(record, false))
    this.record.note(entry, type === S_IFREG ? content.length : 0, sha256)
  }

  async #addLargeFile(entry: Entry, content: NonNullable<Entry['content']>): Promise<void> {
    const hash = this.record.manifest === undefined ? undefined : startSha256()
    await this.#stream(entry, readContent(content), (piece) => hash?.update(piece))
    this.record.note(entry, entry.sizeBytes, hash?.digestHex())
  }

  /** A file whose checksum and compressed size are only known behind it: they follow in a data descriptor. */
  async #stream(
    entry: Entry,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    onPiece: ((piece: Uint8Array) => void) | undefined,
  ): Promise<void> {
    const header = { ...this.#header(entry, S_IFREG), method: METHOD_DEFLATE, sizeBytes: entry.sizeBytes }
    this.#put(encodeLocal({ ...header, crc: 0, compressedBytes: 0 }, true))
    const before = this.#buffer.position
    const deflater = createDeflateRaw({ level: this.#level, chunkSize: 256 * 1024 })
    let crc = 0
    let found = 0
    const feeding = (async () => {
      for await (const piece of pieces) {
        crc = crc32(piece, crc)
        found += piece.length
        if (found > entry.sizeBytes) break
        onPiece?.(piece)
        await new Promise<void>((resolve, reject) =>
          deflater.write(piece, (error) => (error ? reject(error) : resolve())),
        )
      }
      if (found !== entry.sizeBytes) throw entryChanged(entry, found)
      deflater.end()
    })()
    feeding.catch((error: unknown) => deflater.destroy(error as Error))
    for await (const output of deflater) {
      this.#put(output as Uint8Array)
      if (this.#buffer.hasFrame) await this.#buffer.passFrames()
    }
    await feeding
    const record: ZipRecord = { ...header, crc, compressedBytes: this.#buffer.position - before }
    this.#put(encodeDescriptor(record))
    this.#remember(encodeCentral(record, true))
  }

  #header(entry: Entry, type: number): Omit<ZipRecord, 'method' | 'crc' | 'compressedBytes' | 'sizeBytes'> {
    const path = entry.type === 'directory' ? (`${entry.path}/` as EntryPath) : entry.path
    const name = encodePath(path)
    if (name.length > MAX_NAME_BYTES) {
      throw new ArcError('ARC_LIMIT_EXCEEDED', 'a path is too long for a zip archive', {
        details: { bytes: name.length },
      })
    }
    return {
      name,
      isText: path.isWellFormed(),
      mode: type | entry.mode,
      mtimeNs: this.#options.mtimeNs ?? entry.mtimeNs ?? 0n,
      offset: this.#buffer.position,
    }
  }

  #put(bytes: Uint8Array): void {
    this.#buffer.bytes.set(bytes, this.#buffer.length)
    this.#buffer.length += bytes.length
  }

  #remember(header: Uint8Array): void {
    this.#central.push(header)
    this.#centralBytes += header.length
  }
}

const NOTHING = new Uint8Array(0)

function deflate(content: Uint8Array, level: number): Uint8Array {
  return deflateRawSync(content, { level, chunkSize: Math.max(64, content.length + (content.length >> 10) + 64) })
}
