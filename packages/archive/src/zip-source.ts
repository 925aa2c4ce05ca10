import {
  compareBytes,
  type ContentReader,
  decodePath,
  encodePath,
  type Entry,
  type EntryContent,
  type EntryPath,
  type EntrySource,
  type EntrySourceOptions,
  type Omission,
  type RandomBytes,
} from '@arc/core'
import { inputPieces } from './archive-input.ts'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { ContentMeter } from './content-meter.ts'
import { EntryGuard } from './entry-guard.ts'
import { MANIFEST_NAME } from './manifest.ts'
import { differs, type ManifestDigests, readManifest } from './manifest-check.ts'
import { damaged, limitExceeded, unsafe } from './problems.ts'
import type { ReaderOptions } from './reader-options.ts'
import { assertTarget, refuseSpecial } from './tar-entry.ts'
import {
  centralName,
  compareCentralNames,
  isManifest,
  readCentral,
  readCentralOwner,
  transcodedNames,
  type ZipMember,
} from './zip-entry.ts'
import { centralOffsets, readZipDirectory, type ZipDirectory } from './zip-directory.ts'
import { METHOD_STORE } from './zip-format.ts'
import { locateContents, ReadAhead } from './zip-local.ts'
import { withoutSlash } from './zip-name.ts'

/** Files up to this size are decompressed in one go; larger ones are streamed. */
const SMALL_FILE_BYTES = 1024 * 1024
const BATCH_ENTRIES = 128

/** Open a zip archive, and read its manifest if it has one. */
export async function openZip(
  name: string,
  input: RandomBytes,
  codecs: Codecs,
  options: ReaderOptions,
): Promise<EntrySource> {
  const source = new ZipSource(name, input, codecs, options)
  await source.readManifest()
  return source
}

/** Every entry of a zip archive, in byte order of path; content may be read in any order, more than once. */
class ZipSource implements EntrySource {
  readonly name: string
  readonly access = 'random'
  readonly omissions: readonly Omission[]
  readonly #omissions: Omission[] = []
  readonly #input: RandomBytes
  readonly #codecs: Codecs
  readonly #options: ReaderOptions
  readonly #directory: ZipDirectory
  /** Places of the central headers, sorted by path. */
  readonly #central: Uint32Array
  /** Places of the contents, in the same order. */
  readonly #starts: Float64Array
  readonly #window: ReadAhead
  readonly #isFile: Uint8Array
  readonly #transcoded: ReadonlyMap<number, Uint8Array>
  /** Number of the entry that is the manifest, and what it says. */
  #manifest: number | undefined
  #digests: ManifestDigests | undefined
  readonly #output = new Uint8Array(SMALL_FILE_BYTES + 1)
  /** The small content that was decompressed last. */
  #current: { index: number; content: Uint8Array } | undefined

  /** Reads the list of entries and all local headers. Throws when they are not exactly what they should be. */
  constructor(name: string, input: RandomBytes, codecs: Codecs, options: ReaderOptions) {
    this.name = name
    this.omissions = this.#omissions
    this.#input = input
    this.#codecs = codecs
    this.#options = options
    this.#directory = readZipDirectory(input, options.limits)
    const { bytes } = this.#directory
    // Nearly in order already, which an array's sort, unlike a typed array's, takes advantage of.
    const central = Array.from(centralOffsets(this.#directory))
    this.#transcoded = transcodedNames(bytes, central, codecs)
    if (this.#transcoded.size === 0) central.sort((a, b) => compareCentralNames(bytes, a, b))
    else central.sort((a, b) => compareBytes(withoutSlash(this.#nameAt(a)), withoutSlash(this.#nameAt(b))))
    this.#central = Uint32Array.from(central)
    this.#isFile = new Uint8Array(central.length)
    // Decompression is held to the declared sizes: so their sum tells at once whether too much would come.
    const meter = new ContentMeter(options.limits, () => input.sizeBytes)
    this.#starts = locateContents(input, this.#directory, this.#central, codecs, ({ sizeBytes, path, type }, index) => {
      this.#isFile[index] = type === 'file' ? 1 : 0
      meter.assertFileSize(sizeBytes, path)
      meter.add(sizeBytes, path)
    })
    this.#window = new ReadAhead(input)
  }

  /** Called once, before anything else. */
  async readManifest(): Promise<void> {
    const index = this.#find(encodePath(MANIFEST_NAME))
    if (index === undefined || !isManifest(this.#directory.bytes, this.#central[index] as number)) return
    const files = {
      count: this.#central.length,
      numberOf: (path: EntryPath) => this.#find(encodePath(path)),
      isFile: (at: number) => at !== index && this.#isFile[at] === 1,
      pathOf: (at: number) => this.#member(at).path,
      nameOf: (at: number) => this.#nameAt(this.#central[at] as number),
    }
    this.#digests = await readManifest(this.#stream(this.#member(index), index), files, this.#options.limits)
    this.#manifest = index
  }

  /** The name that the central header at `at` gives. */
  #nameAt(at: number): Uint8Array {
    return this.#transcoded.get(at) ?? centralName(this.#directory.bytes, at)
  }

  /** The number of the entry with exactly this path. */
  #find(name: Uint8Array): number | undefined {
    let [low, high] = [0, this.#central.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = compareBytes(withoutSlash(this.#nameAt(this.#central[middle] as number)), name)
      if (order === 0) return middle
      if (order < 0) low = middle + 1
      else high = middle - 1
    }
    return undefined
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
    const entry = this.#plainEntry(index, guard)
    if (this.#options.owners !== true || entry === undefined) return entry
    const owner = readCentralOwner(this.#directory.bytes, this.#central[index] as number)
    return owner === undefined ? entry : { ...entry, attributes: { owner } }
  }

  #plainEntry(index: number, guard: EntryGuard): Entry | undefined {
    if (index === this.#manifest) return undefined
    const member = this.#member(index)
    const { path, type, mode, mtimeNs, sizeBytes } = member
    if (type === 'special') {
      if (this.#options.specialFiles !== 'omit') refuseSpecial(path)
      this.#omissions.push({ path, reason: 'special-file' })
      return undefined
    }
    if ((type === 'directory' || type === 'root') && sizeBytes > 0) throw unsafe('a folder has content', path)
    if (type === 'root') return undefined
    guard.admit(path, type, type === 'symlink' ? Math.min(sizeBytes, this.#options.limits.maxTargetBytes) : undefined)
    if (type === 'directory') return { path, type, mode, mtimeNs, sizeBytes: 0 }
    if (type === 'symlink') return this.#symlink(member, index)
    const sha256 = this.#digests?.of(index)
    return { path, type, mode, mtimeNs, sizeBytes, sha256, content: this.#content(member, index, sha256) }
  }

  #symlink(member: ZipMember, index: number): Entry {
    const { path, mode, mtimeNs, sizeBytes } = member
    const limit = this.#options.limits.maxTargetBytes
    if (sizeBytes > limit) throw limitExceeded('maxTargetBytes', limit, "the length of a symlink's target", path)
    const bytes = this.#whole(member, index, undefined)
    assertTarget(bytes, path, this.#options.limits)
    return { path, type: 'symlink', mode, mtimeNs, sizeBytes, target: decodePath(bytes) }
  }

  #content(member: ZipMember, index: number, sha256: string | undefined): EntryContent {
    if (member.sizeBytes > SMALL_FILE_BYTES || member.compressedBytes > SMALL_FILE_BYTES) {
      return { kind: 'stream', stream: () => this.#stream(member, index, sha256) }
    }
    return { kind: 'sync', open: () => new WholeReader(() => this.#whole(member, index, sha256), sha256) }
  }

  /** The whole content of a small member, checked, also against the hash it should have; valid until another one is asked for. */
  #whole(member: ZipMember, index: number, sha256: string | undefined): Uint8Array {
    if (this.#current?.index === index) return this.#current.content
    this.#current = undefined
    const { path, method, compressedBytes, sizeBytes, crc } = member
    const stored = this.#window.at(this.#starts[index] as number, compressedBytes)
    const content = method === METHOD_STORE ? stored : this.#inflate(stored, member)
    if (content.length !== sizeBytes) throw damaged('it does not have its length', { path })
    if (this.#codecs.crc32(content) !== crc) throw damaged('it does not match its checksum', { path })
    if (sha256 !== undefined && this.#codecs.sha256(content) !== sha256) throw differs(path)
    this.#current = { index, content }
    return content
  }

  #inflate(stored: Uint8Array, { path, sizeBytes }: ZipMember): Uint8Array {
    const output = this.#output.subarray(0, sizeBytes + 1)
    const { usedBytes, writtenBytes } = this.#codecs.inflateRawInto(stored, output)
    if (usedBytes !== stored.length) throw unsafe('something is hidden behind its compressed data', path)
    return output.subarray(0, writtenBytes)
  }

  async *#stream(member: ZipMember, index: number, sha256?: string): AsyncGenerator<Uint8Array, void, void> {
    const { path, method, compressedBytes, sizeBytes } = member
    const start = this.#starts[index] as number
    const feed = new ByteFeed(inputPieces(this.#input, start, start + compressedBytes))
    const hash = sha256 === undefined ? undefined : this.#codecs.startSha256()
    let crc = 0
    let count = 0
    for await (const piece of method === METHOD_STORE ? feed.rest() : this.#codecs.inflateRaw(feed)) {
      count += piece.length
      hash?.update(piece)
      if (count > sizeBytes) throw unsafe('it holds more than it says', path)
      crc = this.#codecs.crc32(piece, crc)
      yield piece
    }
    if (feed.takenBytes !== compressedBytes) throw unsafe('something is hidden behind its compressed data', path)
    if (count !== sizeBytes) throw damaged('it does not have its length', { path })
    if (crc !== member.crc) throw damaged('it does not match its checksum', { path })
    if (hash !== undefined && hash.digestHex() !== sha256) throw differs(path)
  }
}

/** Reads a content that is at hand, or soon again when others were read in between. */
class WholeReader implements ContentReader {
  /** What the content was found to have, when it has a hash to be held against. */
  readonly sha256: string | undefined
  readonly #content: () => Uint8Array
  #at = 0

  constructor(content: () => Uint8Array, sha256: string | undefined) {
    this.#content = content
    this.sha256 = sha256
    content()
  }

  read(into: Uint8Array): number {
    const part = this.#content().subarray(this.#at, this.#at + into.length)
    into.set(part)
    this.#at += part.length
    return part.length
  }

  view(): Uint8Array {
    const content = this.#content()
    const left = this.#at === 0 ? content : content.subarray(this.#at)
    this.#at = content.length
    return left
  }

  close(): void {}
}
