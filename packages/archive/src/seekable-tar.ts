import {
  comparePaths,
  encodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type EntrySource,
  type EntrySourceOptions,
  type Limits,
  type RandomBytes,
} from '@arc/core'
import { inputPieces } from './archive-input.ts'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { ContentMeter } from './content-meter.ts'
import { EntryGuard } from './entry-guard.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { differs, type ManifestDigests, readManifest } from './manifest-check.ts'
import { damaged, limitExceeded, unsafe, unsupported } from './problems.ts'
import type { ReaderOptions } from './reader-options.ts'
import type { AttributeWishes } from './tar-attributes.ts'
import { assertTarget, readMember, type TarMember } from './tar-entry.ts'
import { announcesManifest, assertChecksum, BLOCK_BYTES, readNumber } from './tar-header.ts'
import { FrameReader } from './frame-reader.ts'
import {
  INDEX_FRAME_MAGIC,
  INDEX_SIGNATURE,
  type IndexRow,
  LENGTH_BYTES,
  MAX_BLOCK_BYTES,
  rowBytes,
  rowMatches,
} from './tar-index.ts'
import { indexRows } from './tar-index-reader.ts'
import { TarMeta } from './tar-meta.ts'
import { readAt } from './zip-directory.ts'
import { u32 } from './zip-format.ts'
import { unzstd } from './zstd-frames.ts'
import { decodeSeekTable, SEEK_FOOTER_BYTES, type SeekFrame, seekTableBytes } from './zstd-seek-table.ts'

/** Larger frames than any writer of seekable archives makes are not worth seeking in. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024
const BATCH_ENTRIES = 128
const END_MARK_BYTES = 2 * BLOCK_BYTES

/**
 * A tar.zst with seek table and index, as `writeArchive` makes it, read in any order: listing reads the index alone, a
 * file only the frames that it lies in. Whatever is read is held against the index; that the index leaves nothing out is
 * checked by the places it gives. What only the index tells of (folders, symlinks) is believed: to take over a whole
 * archive from somebody, read it sequentially.
 */
class SeekableTarSource implements EntrySource {
  readonly name: string
  readonly access = 'random'
  readonly omissions: readonly [] = []
  readonly #places: readonly Place[]
  readonly #byPath: ReadonlyMap<EntryPath, Place>
  readonly #contents: Contents

  constructor(name: string, contents: Contents, places: readonly Place[]) {
    this.name = name
    this.#contents = contents
    this.#places = places.toSorted((a, b) => comparePaths(a.row.path, b.row.path))
    this.#byPath = new Map(places.map((place) => [place.row.path, place]))
  }

  async *entries({ signal, onProgress }: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    for (let at = 0; at < this.#places.length; at += BATCH_ENTRIES) {
      signal?.throwIfAborted()
      const batch = this.#places.slice(at, at + BATCH_ENTRIES).map((place) => this.#entry(place))
      onProgress?.({
        phase: 'reading',
        doneEntries: at + batch.length,
        doneBytes: 0,
        totalEntries: this.#places.length,
      })
      yield batch
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #entry(place: Place): Entry {
    const entry = this.#plainEntry(place)
    const attributes = this.#contents.attributes.get(place.number)
    return attributes === undefined ? entry : { ...entry, attributes }
  }

  #plainEntry(place: Place): Entry {
    const { path, mode, mtimeNs, type, target, sizeBytes } = place.row
    if (type === 'directory') return { path, type, mode, mtimeNs, sizeBytes: 0 }
    if (type === 'symlink')
      return { path, type, mode, mtimeNs, target, sizeBytes: encodePath(target as EntryPath).length }
    const first = type === 'hard-link' ? (this.#byPath.get(target as EntryPath) as Place) : place
    if (first.row.type === 'symlink') return { ...this.#entry(first), path, hardLink: first.row.path }
    const content = { kind: 'stream' as const, stream: () => this.#contents.read(first) }
    return {
      path,
      type: 'file',
      mode,
      mtimeNs,
      hardLink: first.row.path,
      sizeBytes: type === 'file' ? sizeBytes : first.row.sizeBytes,
      sha256: this.#contents.digests?.of(first.number),
      content,
    }
  }
}

/** A row of the index and where its headers start in the tar stream. */
interface Place {
  readonly row: IndexRow
  readonly position: number
  /** Its place among all rows. */
  readonly number: number
}

/** Open an archive that has seek table and index. Throws `ARC_ARCHIVE_UNSUPPORTED` when it has not. */
export async function openSeekableTar(
  name: string,
  input: RandomBytes,
  codecs: Codecs,
  options: ReaderOptions,
): Promise<EntrySource> {
  const frames = readSeekTable(input)
  const index = frames.at(-1)
  if (index === undefined || index.contentBytes !== 0) throw noIndex()
  const offset = frames.slice(0, -1).reduce((sum, { compressedBytes }) => sum + compressedBytes, 0)
  const reader = new FrameReader(input, codecs, frames.slice(0, -1))
  const places = await readIndex(input, offset, index.compressedBytes, codecs, options)
  const last = places.at(-1)
  const end = last === undefined ? 0 : last.position + rowBytes(last.row)
  if (end + END_MARK_BYTES !== reader.contentBytes) throw unsafe('its index leaves something out')
  const contents = new Contents(reader, codecs)
  const isListed = await contents.readManifest(places, options.limits)
  await contents.readAttributes(places, options)
  return new SeekableTarSource(name, contents, isListed ? places.slice(0, -1) : places)
}

function noIndex(): Error {
  return unsupported('it has no index', 'Read it sequentially, or write it anew as tar.zst.')
}

function readSeekTable(input: RandomBytes): SeekFrame[] {
  if (input.sizeBytes < SEEK_FOOTER_BYTES) throw noIndex()
  const tableBytes = seekTableBytes(readAt(input, input.sizeBytes - SEEK_FOOTER_BYTES, input.sizeBytes))
  if (tableBytes === undefined) throw noIndex()
  if (tableBytes > input.sizeBytes) throw damaged('its seek table is longer than the archive')
  const frames = decodeSeekTable(readAt(input, input.sizeBytes - tableBytes, input.sizeBytes))
  const sum = frames.reduce((total, { compressedBytes }) => total + compressedBytes, 0)
  if (sum !== input.sizeBytes - tableBytes) throw damaged('its seek table does not fit the archive')
  if (frames.some(({ contentBytes }) => contentBytes > MAX_FRAME_BYTES)) throw noIndex()
  return frames
}

async function readIndex(
  input: RandomBytes,
  offset: number,
  length: number,
  codecs: Codecs,
  options: ReaderOptions,
): Promise<Place[]> {
  const head = readAt(input, offset, offset + Math.min(length, 8 + INDEX_SIGNATURE.length))
  const isIndex =
    u32(head, 0) === INDEX_FRAME_MAGIC &&
    u32(head, 4) === length - 8 &&
    INDEX_SIGNATURE.every((byte, i) => head[8 + i] === byte)
  if (!isIndex) throw noIndex()
  const guard = new EntryGuard(options)
  const meter = new ContentMeter(options.limits, () => input.sizeBytes)
  const places: Place[] = []
  const first = new Map<EntryPath, IndexRow>()
  let position = 0
  const feed = new ByteFeed(inputPieces(input, offset + head.length, offset + length))
  for await (const block of indexBlocks(new ByteFeed(unzstd(feed, codecs)))) {
    for (const row of indexRows(block, options.limits)) {
      admit(row, first, guard, meter, options)
      places.push({ row, position, number: places.length })
      position += rowBytes(row)
    }
  }
  return places
}

async function* indexBlocks(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const length = await feed.takeOrEnd(LENGTH_BYTES)
    if (length === undefined) return
    if (u32(length, 0) > MAX_BLOCK_BYTES) throw damaged('its index makes no sense')
    yield await feed.take(u32(length, 0))
  }
}

function admit(
  row: IndexRow,
  known: Map<EntryPath, IndexRow>,
  guard: EntryGuard,
  meter: ContentMeter,
  options: ReaderOptions,
): void {
  const { path, type, target } = row
  if (row.headerBytes === 0) throw damaged('its index makes no sense')
  if (row.headerBytes > options.limits.maxMetadataBytes)
    throw limitExceeded('maxMetadataBytes', options.limits.maxMetadataBytes, 'the length of the headers', path)
  const first = type === 'hard-link' ? known.get(target as EntryPath) : undefined
  if (type === 'hard-link' && first === undefined)
    throw unsafe('it is a hard link to what is no earlier file of this archive', path)
  const kind = type === 'hard-link' ? ((first as IndexRow).type as 'file' | 'symlink') : type
  guard.admit(path, kind, type === 'symlink' ? target?.length : undefined)
  if (type === 'symlink') assertTarget(encodePath(target ?? ('' as EntryPath)), path, options.limits)
  if (type !== 'file' && row.sizeBytes !== 0) throw damaged('its index makes no sense')
  if (type === 'file') {
    meter.assertFileSize(row.sizeBytes, path)
    meter.add(row.sizeBytes, path)
  }
  if (type === 'file' || type === 'symlink') known.set(path, row)
}

/** The contents of the files, held against their headers and the manifest. */
class Contents {
  digests: ManifestDigests | undefined
  /** As far as they are wanted, by number of place. */
  readonly attributes = new Map<number, EntryAttributes>()
  readonly #frames: FrameReader
  readonly #codecs: Codecs

  constructor(frames: FrameReader, codecs: Codecs) {
    this.#frames = frames
    this.#codecs = codecs
  }

  /** Read the manifest, which is the last entry of an archive that announces one; false when there is none. */
  async readManifest(places: readonly Place[], limits: Readonly<Limits>): Promise<boolean> {
    const last = places.at(-1)
    const first = last === undefined ? undefined : await this.#frames.read(0, BLOCK_BYTES)
    if (last === undefined || first === undefined || !announcesManifest(first, 0)) return false
    if (last.row.path !== MANIFEST_NAME) throw damaged('its manifest is missing, so it may have been cut')
    const byPath = new Map(places.map((place) => [place.row.path, place]))
    const files = {
      count: places.length,
      numberOf: (path: EntryPath) => byPath.get(path)?.number,
      isFile(index: number) {
        const { row } = places[index] as Place
        const type = row.type === 'hard-link' ? byPath.get(row.target as EntryPath)?.row.type : row.type
        return type === 'file' && index !== last.number
      },
      pathOf: (index: number) => (places[index] as Place).row.path,
      nameOf: (index: number) => encodePath((places[index] as Place).row.path),
    }
    this.digests = await readManifest(this.read(last), files, limits)
    return true
  }

  /** The index does not tell of owners and extended attributes: who wants them has every header read. */
  async readAttributes(places: readonly Place[], wishes: AttributeWishes): Promise<void> {
    if (wishes.owners !== true && wishes.xattrs !== true) return
    const meta = new TarMeta(wishes)
    for (const { row, position, number } of places) {
      const { attributes, path } = parseMember(await this.#frames.read(position, row.headerBytes), meta)
      if (path !== row.path) throw unsafe('its index and its header tell different things', row.path)
      if (attributes !== undefined) this.attributes.set(number, attributes)
    }
  }

  async *read({ row, position, number }: Place): AsyncGenerator<Uint8Array, void, void> {
    const headers = await this.#frames.read(position, row.headerBytes)
    if (!rowMatches(row, parseHeaders(headers)))
      throw unsafe('its index and its header tell different things', row.path)
    const hash = this.digests === undefined ? undefined : this.#codecs.startSha256()
    for await (const piece of this.#frames.stream(position + row.headerBytes, row.sizeBytes)) {
      hash?.update(piece)
      yield piece
    }
    if (hash !== undefined && hash.digestHex() !== this.digests?.of(number)) throw differs(row.path)
  }
}

/** The file that headers as we write them describe. */
function parseHeaders(headers: Uint8Array): { path: EntryPath; mode: number; mtimeNs: bigint; sizeBytes: number } {
  const member = parseMember(headers, new TarMeta({}))
  if (member.kind !== 'file') throw unsafe('its index and its header tell different things', member.path)
  return { path: member.path, mode: member.mode, mtimeNs: member.mtimeNs, sizeBytes: member.storedBytes }
}

/** The member that headers as we write them describe: at most one extended header, then its own. */
function parseMember(headers: Uint8Array, meta: TarMeta): TarMember {
  const at = headers.length - BLOCK_BYTES
  assertChecksum(headers, at)
  if (at > 0) {
    assertChecksum(headers, 0)
    const length = readNumber(headers, 124, 12, 'size')
    if (headers[156] !== 0x78 || length > at - BLOCK_BYTES) throw damaged('an extended header is malformed')
    meta.addPax(headers.subarray(BLOCK_BYTES, BLOCK_BYTES + length))
  }
  const member = readMember(headers, at, meta, undefined)
  meta.clear()
  return member
}
