import {
  compareBytes,
  type ContentReader,
  decodePath,
  type Entry,
  type EntryContent,
  type EntrySource,
  type EntrySourceOptions,
  type Omission,
} from '@arc/core'
import { inputPieces, type RandomInput } from './archive-input.ts'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { ContentMeter } from './content-meter.ts'
import { EntryGuard } from './entry-guard.ts'
import { damaged, limitExceeded, unsafe } from './problems.ts'
import type { ReaderOptions } from './reader-options.ts'
import { assertTarget, refuseSpecial } from './tar-entry.ts'
import { centralName, readCentral, type ZipMember } from './zip-entry.ts'
import { centralOffsets, readZipDirectory, type ZipDirectory } from './zip-directory.ts'
import { METHOD_STORE } from './zip-format.ts'
import { locateContents, ReadAhead } from './zip-local.ts'

/** Files up to this size are decompressed in one go; larger ones are streamed. */
const SMALL_FILE_BYTES = 8 * 1024 * 1024
const BATCH_ENTRIES = 256

/** Every entry of a zip archive, in byte order of path; content may be read in any order, more than once. */
export class ZipSource implements EntrySource {
  readonly name: string
  readonly access = 'random'
  readonly omissions: readonly Omission[]
  readonly #omissions: Omission[] = []
  readonly #input: RandomInput
  readonly #codecs: Codecs
  readonly #options: ReaderOptions
  readonly #directory: ZipDirectory
  /** Places of the central headers, sorted by name. */
  readonly #central: Uint32Array
  /** Places of the contents, in the same order. */
  readonly #starts: Float64Array
  readonly #window: ReadAhead

  /** Reads the list of entries and all local headers. Throws when they are not exactly what they should be. */
  constructor(name: string, input: RandomInput, codecs: Codecs, options: ReaderOptions) {
    this.name = name
    this.omissions = this.#omissions
    this.#input = input
    this.#codecs = codecs
    this.#options = options
    this.#directory = readZipDirectory(input, options.limits)
    const { bytes } = this.#directory
    this.#central = centralOffsets(this.#directory).sort((a, b) =>
      compareBytes(centralName(bytes, a), centralName(bytes, b)),
    )
    // Decompression is held to the declared sizes: so their sum tells at once whether too much would come.
    const meter = new ContentMeter(options.limits, () => input.sizeBytes)
    this.#starts = locateContents(input, this.#directory, this.#central, codecs, ({ sizeBytes, path }) => {
      meter.assertFileSize(sizeBytes, path)
      meter.add(sizeBytes, path)
    })
    this.#window = new ReadAhead(input)
  }

  async *entries({ signal, onProgress }: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    const guard = new EntryGuard(this.#options)
    this.#omissions.length = 0
    let doneBytes = 0
    for (let at = 0; at < this.#central.length; at += BATCH_ENTRIES) {
      signal?.throwIfAborted()
      const batch: Entry[] = []
      for (let i = at; i < Math.min(at + BATCH_ENTRIES, this.#central.length); i++) {
        const entry = this.#entry(i, guard)
        if (entry === undefined) continue
        batch.push(entry)
        doneBytes += entry.sizeBytes
      }
      onProgress?.({ phase: 'reading', doneEntries: at + batch.length, totalEntries: this.#central.length, doneBytes })
      if (batch.length > 0) yield batch
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #member(index: number): ZipMember {
    return readCentral(this.#directory.bytes, this.#central[index] as number, this.#codecs)
  }

  #entry(index: number, guard: EntryGuard): Entry | undefined {
    const member = this.#member(index)
    const { path, type, mode, mtimeNs, sizeBytes } = member
    if (type === 'special') {
      if (this.#options.specialFiles !== 'omit') refuseSpecial(path)
      this.#omissions.push({ path, reason: 'special-file' })
      return undefined
    }
    if ((type === 'directory' || type === 'root') && sizeBytes > 0) throw unsafe('a folder has content', path)
    if (type === 'root') return undefined
    guard.admit(path, type)
    if (type === 'directory') return { path, type, mode, mtimeNs, sizeBytes: 0 }
    if (type === 'symlink') return this.#symlink(member, index)
    return { path, type, mode, mtimeNs, sizeBytes, content: this.#content(member, index) }
  }

  #symlink(member: ZipMember, index: number): Entry {
    const { path, mode, mtimeNs, sizeBytes } = member
    const limit = this.#options.limits.maxTargetBytes
    if (sizeBytes > limit) throw limitExceeded('maxTargetBytes', limit, "the length of a symlink's target", path)
    const bytes = this.#whole(member, index)
    assertTarget(bytes, path, this.#options.limits)
    return { path, type: 'symlink', mode, mtimeNs, sizeBytes, target: decodePath(bytes) }
  }

  #content(member: ZipMember, index: number): EntryContent {
    if (member.sizeBytes > SMALL_FILE_BYTES || member.compressedBytes > SMALL_FILE_BYTES) {
      return { kind: 'stream', stream: () => this.#stream(member, index) }
    }
    return { kind: 'sync', open: () => new WholeReader(this.#whole(member, index)) }
  }

  /** The whole content of a small member, checked; valid until the next one is asked for. */
  #whole(member: ZipMember, index: number): Uint8Array {
    const { path, method, compressedBytes, sizeBytes, crc } = member
    const stored = this.#window.at(this.#starts[index] as number, compressedBytes)
    const content = method === METHOD_STORE ? stored : this.#inflate(stored, member)
    if (content.length !== sizeBytes) throw damaged('it does not have its length', { path })
    if (this.#codecs.crc32(content) !== crc) throw damaged('it does not match its checksum', { path })
    return content
  }

  #inflate(stored: Uint8Array, { path, sizeBytes }: ZipMember): Uint8Array {
    const { output, usedBytes } = this.#codecs.inflateRawSync(stored, sizeBytes)
    if (usedBytes !== stored.length) throw unsafe('something is hidden behind its compressed data', path)
    return output
  }

  async *#stream(member: ZipMember, index: number): AsyncGenerator<Uint8Array, void, void> {
    const { path, method, compressedBytes, sizeBytes } = member
    const start = this.#starts[index] as number
    const feed = new ByteFeed(inputPieces(this.#input, start, start + compressedBytes))
    let crc = 0
    let count = 0
    for await (const piece of method === METHOD_STORE ? feed.rest() : this.#codecs.inflateRaw(feed)) {
      count += piece.length
      if (count > sizeBytes) throw unsafe('it holds more than it says', path)
      crc = this.#codecs.crc32(piece, crc)
      yield piece
    }
    if (feed.takenBytes !== compressedBytes) throw unsafe('something is hidden behind its compressed data', path)
    if (count !== sizeBytes) throw damaged('it does not have its length', { path })
    if (crc !== member.crc) throw damaged('it does not match its checksum', { path })
  }
}

/** Reads bytes that are at hand. */
class WholeReader implements ContentReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(into: Uint8Array): number {
    const part = this.#bytes.subarray(this.#at, this.#at + into.length)
    into.set(part)
    this.#at += part.length
    return part.length
  }

  close(): void {}
}
