import { createDeflateRaw, crc32 } from 'node:zlib'
import { ArcError, encodePath, type Entry, entryChanged, type EntryPath, printablePath, readContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { ByteList } from './byte-list.ts'
import { contentMissing, type EntryWriter, readSmall, WriteRecord } from './entry-writer.ts'
import type { FrameBuffer } from './frame-buffer.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { Deflater } from './deflater.ts'
import {
  localBytes,
  MAX_ZIP_HEADER_BYTES,
  putCentral,
  putDescriptor,
  putEnd,
  putLocal,
  zipFlags,
  type ZipRecord,
} from './zip-encode.ts'
import { METHOD_DEFLATE, METHOD_STORE, S_IFDIR, S_IFLNK, S_IFREG, toDosTime, toUnixTime } from './zip-format.ts'

/** Files up to this size are compressed in one go; larger ones are streamed. */
const SMALL_FILE_BYTES = 1024 * 1024
const OUTPUT_BYTES = 256 * 1024
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
  readonly #deflater: Deflater
  readonly #scratch = new Uint8Array(SMALL_FILE_BYTES + 1)
  readonly #central = new ByteList()
  #count = 0

  constructor(buffer: FrameBuffer, options: ZipWriterOptions) {
    this.#buffer = buffer
    this.#options = options
    this.#level = options.level ?? DEFAULT_LEVEL
    this.#deflater = new Deflater(this.#level)
    this.record = new WriteRecord(options)
  }

  add(entry: Entry): void | Promise<void> {
    this.record.admit(entry)
    if (this.record.yieldsToManifest(entry)) return undefined
    if (entry.attributes?.xattrs !== undefined && entry.attributes.xattrs.length > 0) throw noXattrs(entry)
    if (entry.type === 'directory') this.#addWhole(entry, S_IFDIR, NOTHING)
    else if (entry.type === 'symlink') this.#addWhole(entry, S_IFLNK, encodePath(entry.target as EntryPath))
    else if (entry.content === undefined) this.record.omit(entry, contentMissing(entry))
    else if (entry.content.kind === 'sync' && entry.sizeBytes <= SMALL_FILE_BYTES) this.#addSmallFile(entry)
    else return this.#addLargeFile(entry, entry.content)
    return this.#buffer.hasFrame ? this.#buffer.passFrames() : undefined
  }

  async finish(): Promise<void> {
    const manifest = this.record.manifest
    if (manifest !== undefined) {
      const { sizeBytes } = manifest
      const entry: Entry = { path: MANIFEST_NAME, type: 'file', mode: 0o644, sizeBytes, mtimeNs: 0n }
      await this.#stream(entry, manifest.pieces(), undefined, true)
    }
    const offset = this.#buffer.position
    for (const headers of this.#central.pieces()) await this.#copy(headers)
    const buffer = this.#buffer
    buffer.length = putEnd(buffer.bytes, buffer.length, this.#count, this.#central.sizeBytes, offset)
    await buffer.finish()
  }

  #addSmallFile(entry: Entry): void {
    try {
      readSmall(entry, this.#scratch, 0, entry.sizeBytes + 1)
    } catch (error) {
      return this.record.omit(entry, error)
    }
    const content = this.#scratch.subarray(0, entry.sizeBytes)
    this.#addWhole(entry, S_IFREG, content, this.record.needsHash(entry) ? sha256Hex(content) : undefined)
  }

  /** An entry whose content is at hand: it is compressed to its place, and the header before it is written then. */
  #addWhole(entry: Entry, type: number, content: Uint8Array, sha256?: string): void {
    const { bytes, length: start } = this.#buffer
    const header = this.#header(entry, type, false)
    const from = start + localBytes(header)
    const room = bytes.subarray(from, from + content.length)
    const deflated = type === S_IFREG && this.#level > 0 ? this.#deflater.deflate(content, room) : undefined
    if (deflated === undefined) room.set(content)
    const record: ZipRecord = {
      ...header,
      method: deflated === undefined ? METHOD_STORE : METHOD_DEFLATE,
      crc: crc32(content),
      compressedBytes: deflated ?? content.length,
      sizeBytes: content.length,
    }
    putLocal(bytes, start, record)
    this.#buffer.length = from + record.compressedBytes
    this.#remember(record)
    this.record.note(entry, type === S_IFREG ? content.length : 0, sha256)
  }

  async #addLargeFile(entry: Entry, content: NonNullable<Entry['content']>): Promise<void> {
    const hash = this.record.needsHash(entry) ? startSha256() : undefined
    await this.#stream(entry, readContent(content), (piece) => hash?.update(piece))
    this.record.note(entry, entry.sizeBytes, hash?.digestHex())
  }

  /** A file whose checksum and compressed size are only known behind it: they follow in a data descriptor. */
  async #stream(
    entry: Entry,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    onPiece: ((piece: Uint8Array) => void) | undefined,
    isManifest = false,
  ): Promise<void> {
    const header: ZipRecord = {
      ...this.#header(entry, S_IFREG, true),
      isManifest,
      method: METHOD_DEFLATE,
      crc: 0,
      compressedBytes: 0,
    }
    const buffer = this.#buffer
    buffer.length = putLocal(buffer.bytes, buffer.length, header)
    const before = buffer.position
    const deflater = createDeflateRaw({ level: this.#level, chunkSize: OUTPUT_BYTES })
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
    for await (const output of deflater) await this.#copy(output as Uint8Array)
    await feeding
    const record: ZipRecord = { ...header, crc, compressedBytes: buffer.position - before }
    buffer.length = putDescriptor(buffer.bytes, buffer.length, record)
    this.#remember(record)
  }

  #header(entry: Entry, type: number, isStreamed: boolean): Omit<ZipRecord, 'method' | 'crc' | 'compressedBytes'> {
    const path = entry.type === 'directory' ? (`${entry.path}/` as EntryPath) : entry.path
    const name = encodePath(path)
    if (name.length > MAX_NAME_BYTES) {
      throw new ArcError('ARC_LIMIT_EXCEEDED', 'a path is too long for a zip archive', {
        details: { bytes: name.length },
      })
    }
    const mtimeNs = this.#options.mtimeNs ?? entry.mtimeNs ?? 0n
    const unixTime = toUnixTime(mtimeNs)
    return {
      name,
      flags: zipFlags(name, path.isWellFormed(), isStreamed),
      mode: type | entry.mode,
      dosTime: toDosTime(mtimeNs),
      unixTime,
      isManifest: false,
      owner: entry.attributes?.owner,
      sizeBytes: entry.type === 'file' ? entry.sizeBytes : 0,
      offset: this.#buffer.position,
    }
  }

  /** Copy bytes of any length into the archive. */
  async #copy(bytes: Uint8Array): Promise<void> {
    const buffer = this.#buffer
    for (let at = 0; at < bytes.length; at += SMALL_FILE_BYTES) {
      const part = bytes.subarray(at, at + SMALL_FILE_BYTES)
      buffer.bytes.set(part, buffer.length)
      buffer.length += part.length
      if (buffer.hasFrame) await buffer.passFrames()
    }
  }

  #remember(record: ZipRecord): void {
    this.#central.append(record.name.length + MAX_ZIP_HEADER_BYTES, (into, at) => putCentral(into, at, record))
    this.#count++
  }
}

const NOTHING = new Uint8Array(0)

function noXattrs({ path }: Entry): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_OPTION_INVALID', `a zip archive cannot keep the extended attributes of ${shown}`, {
    path: shown,
    hint: 'Choose a tar format, or leave extended attributes out.',
  })
}
