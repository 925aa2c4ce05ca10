import { ArcError, encodePath, type Entry, entryChanged, type EntryPath, printablePath, readContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { contentMissing, type EntryWriter, readSmall, WriteRecord } from './entry-writer.ts'
import type { FrameBuffer } from './frame-buffer.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { assertAttributesFit, MAX_ATTRIBUTE_BYTES } from './tar-attributes.ts'
import { announceManifest, encodeHeaders, MAX_HEADER_BYTES, splitTime, type TarRecord } from './tar-encode.ts'
import { BLOCK_BYTES } from './tar-header.ts'

/** Files up to this size are read in one go into the buffer; larger ones piece by piece. */
const SMALL_FILE_BYTES = 1024 * 1024

/** Room that a {@link FrameBuffer} must keep for a {@link TarWriter}. */
export const TAR_ROOM_BYTES: number = SMALL_FILE_BYTES + MAX_HEADER_BYTES + MAX_ATTRIBUTE_BYTES + 4 * BLOCK_BYTES

export interface TarWriterOptions {
  /** Keep SHA-256 of all files for a manifest. */
  manifest: boolean
  /** Give every entry this time instead of its own. */
  mtimeNs: bigint | undefined
  /** Told of each entry and how many bytes its headers take, in their order. */
  onEntry?: ((record: TarRecord, headerBytes: number) => void) | undefined
}

/** Turns entries into a tar archive in a {@link FrameBuffer}. */
export class TarWriter implements EntryWriter {
  readonly record: WriteRecord
  readonly #buffer: FrameBuffer
  readonly #options: TarWriterOptions
  /** First names of inodes, and the hashes of their content. */
  readonly #firstNames = new Map<string, { path: EntryPath; sha256: string | undefined }>()

  constructor(buffer: FrameBuffer, options: TarWriterOptions) {
    this.#buffer = buffer
    this.#options = options
    this.record = new WriteRecord(options)
  }

  /** Add an entry; a promise only where the bytes have to wait. A small file that cannot be read becomes an omission. */
  add(entry: Entry): void | Promise<void> {
    this.record.admit(entry)
    if (this.record.yieldsToManifest(entry)) return undefined
    const first = entry.hardLink === undefined ? undefined : this.#firstNames.get(entry.hardLink)
    if (first !== undefined) this.#addLink(entry, first)
    else if (entry.type !== 'file') this.#addHeaders(entry, 0)
    else if (entry.content === undefined) this.record.omit(entry, contentMissing(entry))
    else if (entry.content.kind === 'sync' && entry.sizeBytes <= SMALL_FILE_BYTES) this.#addSmallFile(entry)
    else return this.#addLargeFile(entry, entry.content)
    return this.#buffer.hasFrame ? this.#buffer.passFrames() : undefined
  }

  /** Add the manifest, if there is one, and the end mark. */
  async finish(): Promise<void> {
    const manifest = this.record.manifest
    if (manifest !== undefined) {
      const { sizeBytes } = manifest
      this.#putHeaders({
        path: MANIFEST_NAME,
        type: 'file',
        mode: 0o644,
        sizeBytes,
        time: splitTime(this.#options.mtimeNs ?? 0n),
      })
      await this.#copyIn(manifest.pieces())
      this.#pad(sizeBytes)
    }
    const buffer = this.#buffer
    buffer.bytes.fill(0, buffer.length, buffer.length + 2 * BLOCK_BYTES)
    buffer.length += 2 * BLOCK_BYTES
    await buffer.finish()
  }

  #addLink(entry: Entry, first: { path: EntryPath; sha256: string | undefined }): void {
    this.#putHeaders({ ...this.#header(entry, 0), type: 'hard-link', target: first.path })
    this.record.note(entry, 0, first.sha256)
  }

  #addHeaders(entry: Entry, sizeBytes: number): void {
    this.#putHeaders(this.#header(entry, sizeBytes))
    this.#note(entry, undefined)
  }

  #addSmallFile(entry: Entry): void {
    const buffer = this.#buffer
    const start = buffer.length
    try {
      const record = this.#header(entry, entry.sizeBytes)
      const content = this.#encode(record, start)
      const end = content + entry.sizeBytes
      readSmall(entry, buffer.bytes, content, entry.sizeBytes + 1)
      this.#options.onEntry?.(record, content - start)
      buffer.length = end
      this.#pad(entry.sizeBytes)
      this.#note(entry, this.record.needsHash(entry) ? sha256Hex(buffer.bytes.subarray(content, end)) : undefined)
    } catch (error) {
      buffer.length = start
      this.record.omit(entry, error)
    }
  }

  async #addLargeFile(entry: Entry, content: NonNullable<Entry['content']>): Promise<void> {
    const hash = this.record.needsHash(entry) ? startSha256() : undefined
    this.#putHeaders(this.#header(entry, entry.sizeBytes))
    await this.#buffer.passFrames()
    const found = await this.#copyIn(readContent(content), (piece) => hash?.update(piece), entry.sizeBytes)
    // Its headers are gone already: only the whole archive can be given up.
    if (found !== entry.sizeBytes) throw entryChanged(entry, found)
    this.#pad(entry.sizeBytes)
    this.#note(entry, hash?.digestHex())
    await this.#buffer.passFrames()
  }

  /** Copy pieces into the buffer, passing on frames; stops when more than `maxBytes` come. Returns how many came. */
  async #copyIn(
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    onPiece?: (piece: Uint8Array) => void,
    maxBytes: number = Infinity,
  ): Promise<number> {
    const buffer = this.#buffer
    let copied = 0
    for await (const piece of pieces) {
      onPiece?.(piece)
      copied += piece.length
      if (copied > maxBytes) return copied
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + SMALL_FILE_BYTES)
        buffer.bytes.set(part, buffer.length)
        buffer.length += part.length
        at += part.length
        if (buffer.hasFrame) await buffer.passFrames()
      }
    }
    return copied
  }

  #header(entry: Entry, sizeBytes: number): TarRecord {
    const { path, type, mode, target, attributes } = entry
    const time = splitTime(this.#options.mtimeNs ?? entry.mtimeNs ?? 0n)
    return { path, type, mode, sizeBytes, target, attributes, time }
  }

  #putHeaders(record: TarRecord): void {
    const start = this.#buffer.length
    const end = this.#encode(record, start)
    this.#options.onEntry?.(record, end - start)
    this.#buffer.length = end
  }

  #encode(record: TarRecord, at: number): number {
    if (record.path.length + (record.target?.length ?? 0) > (MAX_HEADER_BYTES - 4 * BLOCK_BYTES) / 3) assertFits(record)
    if (record.attributes !== undefined) assertAttributesFit(record.path, record.attributes)
    const isFirst = this.#buffer.position === 0
    const end = encodeHeaders(this.#buffer.bytes, at, record)
    if (isFirst && this.#options.manifest) announceManifest(this.#buffer.bytes, at)
    return end
  }

  #pad(contentBytes: number): void {
    const padding = (BLOCK_BYTES - (contentBytes % BLOCK_BYTES)) % BLOCK_BYTES
    this.#buffer.bytes.fill(0, this.#buffer.length, this.#buffer.length + padding)
    this.#buffer.length += padding
  }

  #note(entry: Entry, sha256: string | undefined): void {
    if (entry.hardLink !== undefined) this.#firstNames.set(entry.hardLink, { path: entry.path, sha256 })
    this.record.note(entry, entry.type === 'file' ? entry.sizeBytes : 0, sha256)
  }
}

function assertFits({ path, target }: TarRecord): void {
  const bytes = encodePath(path).length + (target === undefined ? 0 : encodePath(target).length)
  if (bytes <= MAX_HEADER_BYTES - 6 * BLOCK_BYTES) return
  throw new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `${printablePath(path.slice(0, 100))}... is too long a path for an archive`,
    { details: { bytes } },
  )
}
