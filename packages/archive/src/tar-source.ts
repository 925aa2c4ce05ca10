import { type Entry, type EntrySource, type EntrySourceOptions, type Omission } from '@arc/core'
import type { TarInput } from './archive-input.ts'
import { isZero } from './byte-feed.ts'
import { ContentMeter } from './content-meter.ts'
import type { Codecs } from './codecs.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { ManifestCheck } from './manifest-check.ts'
import { damaged, limitExceeded, unsafe } from './problems.ts'
import type { ReaderOptions } from './reader-options.ts'
import { readMember, type TarMember, tooLate, type Turn } from './tar-entry.ts'
import {
  announcesManifest,
  assertChecksum,
  assertNumbers,
  BLOCK_BYTES,
  isEndBlock,
  readNumber,
  toBlocks,
} from './tar-header.ts'
import { fileEntry, TarMembers } from './tar-members.ts'
import { TarMeta } from './tar-meta.ts'
import { parseGlobalPax } from './tar-pax.ts'
import { expandSparse, readSparseMap, type SparseMap } from './tar-sparse.ts'

/**
 * Entries whose content is longer are streamed; the others are handed out in batches from one window, which grows only for an entry
 * that does not fit: small batches stay in the processor's cache, and are gone before V8 moves them to where garbage is old.
 */
const WINDOW_BYTES = 2 * 1024 * 1024
const FIRST_WINDOW_BYTES = 256 * 1024

/** An entry that does not go with a batch because its content must be read piece by piece. */
interface LargeFile {
  readonly member: TarMember
  readonly storedBytes: number
  readonly sparse: SparseMap | undefined
  /** The archive's own manifest is not handed out. */
  readonly isManifest?: boolean
}

/** Every entry of an uncompressed tar archive, in its order, read once from front to back through one window. */
export class TarSource implements EntrySource {
  readonly name: string
  readonly access = 'sequential'
  readonly omissions: readonly Omission[]
  readonly #input: TarInput
  readonly #codecs: Codecs
  readonly #options: ReaderOptions
  readonly #meter: ContentMeter
  readonly #members: TarMembers
  readonly #meta: TarMeta
  readonly #turn: Turn = { current: 0 }
  readonly #maxWindowBytes: number
  #window: Uint8Array = new Uint8Array(FIRST_WINDOW_BYTES)
  #at = 0
  #end = 0
  #globalMtimeNs: bigint | undefined
  /** Stored bytes of a streamed file, and its padding, that nobody has taken yet. */
  #untaken = 0
  #large: LargeFile | undefined
  /** Present in archives whose first header announces a manifest. */
  #check: ManifestCheck | undefined
  /** Of the large file that is being handed out. */
  #hash: ReturnType<Codecs['startSha256']> | undefined
  #isManifestRead = false
  #isFirst = true
  #isOver = false
  #isStarted = false
  #isDisposed = false
  #signal: AbortSignal | undefined
  #doneEntries = 0

  constructor(name: string, input: TarInput, codecs: Codecs, options: ReaderOptions) {
    this.name = name
    this.#codecs = codecs
    this.#input = input
    this.#options = options
    this.#meta = new TarMeta(options)
    this.#meter = new ContentMeter(options.limits, () => input.consumedBytes)
    this.#members = new TarMembers(options, this.#meter, codecs)
    this.omissions = this.#members.omissions
    this.#maxWindowBytes = Math.max(WINDOW_BYTES, toBlocks(options.limits.maxMetadataBytes) + 4 * BLOCK_BYTES)
  }

  get rootMode(): number | undefined {
    return this.#members.rootMode
  }

  async *entries({ signal, onProgress }: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    if (this.#isStarted) throw tooLate()
    this.#isStarted = true
    this.#signal = signal
    while (!this.#isOver) {
      signal?.throwIfAborted()
      const batch: Entry[] = []
      const problem = this.#takeBatch(batch)
      this.#doneEntries += batch.length
      onProgress?.({ phase: 'reading', doneEntries: this.#doneEntries, doneBytes: this.#meter.totalBytes })
      if (batch.length > 0) yield batch
      this.#turn.current++
      if (this.#isDisposed) throw tooLate()
      if (problem !== undefined) throw problem
      if (this.#large?.isManifest === true) await this.#readManifest(this.#large)
      else if (this.#large !== undefined) yield* this.#handOut(this.#large)
      else if (!this.#isOver) await this.#refill()
    }
    await this.#expectEnd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#turn.current++
    this.#isDisposed = true
    await this.#input.close()
  }

  /** All entries that lie whole in the window. What stops it early is returned, so that what was good is handed out first. */
  #takeBatch(batch: Entry[]): Error | undefined {
    try {
      while (this.#takeEntry(batch));
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Take what stands at the front of the window; false when there is not enough of it, or it is no small entry. */
  #takeEntry(batch: Entry[]): boolean {
    const [window, at] = [this.#window, this.#at]
    if (this.#end - at < BLOCK_BYTES) return false
    if (isEndBlock(window, at)) {
      if (!this.#meta.isEmpty) throw damaged('it ends before the entry that its last header announces')
      if (this.#check !== undefined && !this.#isManifestRead)
        throw damaged('its manifest is missing, so it may have been cut')
      this.#isOver = true
      return false
    }
    if (this.#isManifestRead) throw damaged('something follows its manifest')
    assertChecksum(window, at)
    assertNumbers(window, at)
    if (this.#isFirst && announcesManifest(window, at))
      this.#members.check = this.#check = new ManifestCheck(this.#options.limits)
    this.#isFirst = false
    const flag = window[at + 156] as number
    if (flag === 0x56 /* V, volume label */) return this.#skipLabel()
    if (META_FLAGS.has(flag)) return this.#takeMeta(flag)
    return this.#takeMember(batch, flag)
  }

  #skipLabel(): boolean {
    if (readNumber(this.#window, this.#at + 124, 12, 'size') !== 0) throw damaged('a volume label has content')
    this.#at += BLOCK_BYTES
    return true
  }

  #takeMeta(flag: number): boolean {
    const sizeBytes = readNumber(this.#window, this.#at + 124, 12, 'size')
    const limit = this.#options.limits.maxMetadataBytes
    if (sizeBytes > limit) throw limitExceeded('maxMetadataBytes', limit, 'the length of a special header')
    const start = this.#at + BLOCK_BYTES
    if (this.#end - start < toBlocks(sizeBytes)) return false
    // Some readers go on to the end of the block.
    if (!isZero(this.#window, start + sizeBytes, start + toBlocks(sizeBytes)))
      throw unsafe('something is hidden behind a special header')
    const bytes = this.#window.subarray(start, start + sizeBytes)
    if (flag === 0x78 /* x */) this.#meta.addPax(bytes)
    else if (flag === 0x67 /* g */)
      this.#globalMtimeNs = parseGlobalPax(bytes, this.#options).mtimeNs ?? this.#globalMtimeNs
    else this.#meta.addLongText(flag === 0x4c /* L */ ? 'name' : 'link', bytes)
    this.#at = start + toBlocks(sizeBytes)
    return true
  }

  #takeMember(batch: Entry[], flag: number): boolean {
    const member = readMember(this.#window, this.#at, this.#meta, this.#globalMtimeNs)
    const content = this.#at + BLOCK_BYTES
    if (flag === 0x53 /* S */ || this.#meta.pax.sparse !== undefined) return this.#takeSparse(member, flag)
    if (this.#check !== undefined && member.path === MANIFEST_NAME && member.kind === 'file') {
      this.#members.admit(member, member.storedBytes)
      this.#meta.clear()
      this.#at = content
      this.#large = { member, storedBytes: member.storedBytes, sparse: undefined, isManifest: true }
      return false
    }
    const fits = toBlocks(member.storedBytes) <= this.#maxWindowBytes - BLOCK_BYTES
    if (fits && this.#end - content < toBlocks(member.storedBytes)) return false
    this.#members.admit(member, member.storedBytes)
    this.#meta.clear()
    this.#at = content
    if (!fits) {
      this.#large = { member, storedBytes: member.storedBytes, sparse: undefined }
      return false
    }
    this.#at += toBlocks(member.storedBytes)
    const stored = this.#window.subarray(content, content + member.storedBytes)
    const entry = this.#members.entryOf(member, stored, this.#turn)
    if (entry !== undefined) batch.push(entry)
    return true
  }

  /** Leave a sparse file, whatever its length, to be streamed: its content is not what is stored. */
  #takeSparse(member: TarMember, flag: number): boolean {
    const content = this.#at + BLOCK_BYTES
    const { path, storedBytes } = member
    const found = readSparseMap(this.#window, this.#at, this.#end, { member, flag, keys: this.#meta.pax.sparse })
    if (found === undefined) {
      // A map that fills the window, or all that is stored, will not get more complete.
      if (flag !== 0x53 && this.#end - content >= storedBytes)
        throw damaged('the map of a sparse file is cut off', { path })
      return false
    }
    this.#members.admit(member, found.map.realBytes)
    this.#meta.clear()
    this.#at = content + found.mapBytes
    // The old format does not count its map as stored; format 1.0 does.
    this.#large = { member, storedBytes: flag === 0x53 ? storedBytes : storedBytes - found.mapBytes, sparse: found.map }
    return false
  }

  async *#handOut({ member, storedBytes, sparse }: LargeFile): AsyncGenerator<readonly Entry[], void, void> {
    const sizeBytes = sparse?.realBytes ?? storedBytes
    this.#members.noteLargeFile(member.path, sizeBytes)
    this.#untaken = storedBytes
    this.#hash = this.#check === undefined ? undefined : this.#codecs.startSha256()
    const turn = this.#turn.current
    const stream = (): AsyncGenerator<Uint8Array, void, void> => {
      if (this.#turn.current !== turn || this.#untaken !== storedBytes) throw tooLate()
      const stored = this.#takeStored(turn)
      return this.#counted(sparse === undefined ? stored : expandSparse(sparse, stored), member.path)
    }
    this.#doneEntries++
    yield [fileEntry(member, sizeBytes, { kind: 'stream', stream })]
    this.#turn.current++
    for await (const piece of this.#takeStored(this.#turn.current)) this.#meter.add(piece.length, member.path)
    if (this.#hash !== undefined) this.#check?.noteFile(member.path, this.#hash.digestHex())
    await this.#endLarge(storedBytes)
  }

  async #readManifest({ member, storedBytes }: LargeFile): Promise<void> {
    this.#untaken = storedBytes
    for await (const piece of this.#takeStored(this.#turn.current)) {
      this.#meter.add(piece.length, member.path)
      this.#check?.push(piece)
    }
    this.#check?.finish()
    this.#isManifestRead = true
    await this.#endLarge(storedBytes)
  }

  async #endLarge(storedBytes: number): Promise<void> {
    this.#large = this.#hash = undefined
    this.#untaken = toBlocks(storedBytes) - storedBytes
    for await (const _padding of this.#takeStored(this.#turn.current));
  }

  async *#counted(pieces: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of pieces) {
      this.#meter.add(piece.length, path)
      yield piece
    }
  }

  /** What is left of the bytes that were announced, straight from the window. */
  async *#takeStored(turn: number): AsyncGenerator<Uint8Array, void, void> {
    while (this.#untaken > 0) {
      if (this.#at === this.#end) await this.#refill()
      if (this.#turn.current !== turn) throw tooLate()
      const piece = this.#window.subarray(this.#at, Math.min(this.#end, this.#at + this.#untaken))
      this.#at += piece.length
      this.#untaken -= piece.length
      this.#hash?.update(piece)
      yield piece
    }
  }

  /** Get more bytes behind those that are left; throws when there are none. */
  async #refill(): Promise<void> {
    await this.#codecs.takeTurn?.(this.#signal)
    this.#makeRoom()
    const room = this.#window.subarray(this.#end)
    if (room.length === 0)
      throw limitExceeded(
        'maxMetadataBytes',
        this.#options.limits.maxMetadataBytes,
        'the length of the map of a sparse file',
      )
    const filled = this.#input.fill(room)
    const count = typeof filled === 'number' ? filled : await filled
    if (count === 0)
      throw damaged(
        this.#end === 0 && this.#untaken === 0 ? 'it has no end mark, so it may be cut off' : 'it is cut off',
      )
    this.#end += count
  }

  /** Move what is left to the front, of a larger window when that is most of this one. */
  #makeRoom(): void {
    const left = this.#window.subarray(this.#at, this.#end)
    const { length } = this.#window
    if (2 * left.length > length && length < this.#maxWindowBytes)
      this.#window = new Uint8Array(Math.min(this.#maxWindowBytes, 4 * length))
    this.#window.set(left)
    this.#end = left.length
    this.#at = 0
  }

  /** After the end mark only zeros may follow, and the input, with whatever it checks at its end, is read to its end. */
  async #expectEnd(): Promise<void> {
    for (;;) {
      if (!isZero(this.#window, this.#at, this.#end)) throw damaged('something follows its end mark')
      this.#at = 0
      this.#end = await this.#input.fill(this.#window)
      if (this.#end === 0) return
    }
  }
}

const META_FLAGS: ReadonlySet<number> = new Set([0x78, 0x67, 0x4c, 0x4b]) // x, g, L, K
