import {
  assertWithin,
  DEFAULT_LIMITS,
  encodePath,
  type EntryPath,
  finishSteps,
  type Limits,
  type Steps,
  type SyncContent,
} from '@arc/core'
import { formatTime, parseMode, parseTime } from './attributes.ts'
import { type DumpInput, readFrom } from './dump-input.ts'
import { damaged, type DumpIndex, type DumpRecord, truncated } from './dump-record.ts'
import { parseGitState, unsupportedVersion } from './front-matter.ts'
import { hashMismatch } from './hash-mismatch.ts'
import { contentIn, type JsonObject } from './json-content.ts'
import { readJson } from './json-text.ts'
import { type Line, readLines } from './line-reader.ts'
import { MAX_RECORD_BYTES } from './json-record.ts'
import { piecesContent } from './pieces-reader.ts'
import type { HashState, Platform } from './platform.ts'
import { COMMON_MODES } from './preamble.ts'

const MAX_REFORMATTED_BYTES = 256 * 1024 * 1024
const DUMP_START = '{"dump":'
const ENTRIES_START = ',"entries":['
const FOOTER_START = '],"footer":'
const SHA256 = /^[0-9a-f]{64}$/
/** So much text is encoded at once. */
const DIGEST_CHARACTERS = 4 * 1024 * 1024
const MTIME = /^-?\d{1,18}\.\d{9}$/

/** An object of a document, and the line that stands for it in the digest. */
interface Spelled {
  object: JsonObject
  canonical: string
}

/** The members that each type of entry may have. Others are ignored, unless they belong to another type. */
const MEMBERS: Readonly<Record<'file' | 'directory' | 'symlink' | 'hardlink', ReadonlySet<string>>> = {
  file: new Set(['path', 'type', 'mode', 'mtime', 'size', 'sha256', 'text', 'base64', 'omitted']),
  directory: new Set(['path', 'type', 'mode', 'mtime']),
  symlink: new Set(['path', 'type', 'mtime', 'size', 'sha256', 'target']),
  hardlink: new Set(['path', 'type', 'size', 'sha256', 'to']),
}
const KNOWN_MEMBERS = new Set([...MEMBERS.file, ...MEMBERS.symlink, ...MEMBERS.hardlink, 'end'])

export interface JsonIndexOptions {
  limits?: Limits
  onBytes?: (doneBytes: number) => void
}

/** Read a JSON or JSON Lines document once and find everything in it (docs/formats/arc-dump-1.md, 3 and 4). */
export function* indexJson(input: DumpInput, options: JsonIndexOptions = {}): Steps<DumpIndex> {
  const indexer = new JsonIndexer(input, options)
  const lines = readLines(input, MAX_RECORD_BYTES)
  let next = lines.next()
  for (; next.done !== true && next.value === undefined; next = lines.next()) yield
  const first = next.value
  if (first === undefined) return yield* indexReformatted(input, indexer) // all in one line, without its end
  const head = input.platform.utf8(first.bytes)
  if (head.startsWith(DUMP_START) && head.endsWith(ENTRIES_START))
    return yield* indexer.indexDocument(first, lines, input.sizeBytes)
  if (isHeader(head)) return yield* indexer.indexLines(first, lines, input.sizeBytes)
  return yield* indexReformatted(input, indexer)
}

/** Whether a line is the first one of JSON Lines. */
function isHeader(line: string): boolean {
  try {
    return Object.hasOwn(Object(JSON.parse(line)), 'arcDump')
  } catch {
    return false
  }
}

/** A JSON document that some other program has laid out anew. */
function* indexReformatted(input: DumpInput, indexer: JsonIndexer): Steps<DumpIndex> {
  assertWithin('bytes in a JSON document that is not laid out as Arc writes it', input.sizeBytes, MAX_REFORMATTED_BYTES)
  const bytes = input.platform.allocate(input.sizeBytes)
  readFrom(input, bytes, 0)
  const { object } = yield* readObject(bytes, 0, input.platform)
  const { dump, entries, footer } = object
  if (Object.keys(object).join() !== 'dump,entries,footer' || !Array.isArray(entries)) {
    throw damaged('it has other members than dump, entries and footer', 0)
  }
  const index = indexer.begin(spelled(dump), 0)
  for (const entry of entries) {
    yield
    yield* indexer.add(spelled(entry), 0, (content) => content)
  }
  return indexer.finish(index, asObject(footer, 0), 0)
}

function spelled(value: unknown): Spelled {
  return { object: asObject(value, 0), canonical: JSON.stringify(value) }
}

class JsonIndexer {
  readonly records: DumpRecord[] = []
  readonly #input: DumpInput
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #onBytes: (doneBytes: number) => void
  readonly #files = new Map<string, DumpRecord>()
  readonly #sha256: HashState
  #totalBytes = 0

  constructor(input: DumpInput, options: JsonIndexOptions) {
    this.#input = input
    this.#platform = input.platform
    this.#sha256 = input.platform.startSha256()
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#onBytes = options.onBytes ?? (() => {})
  }

  *indexLines(first: Line, rest: Iterable<Line | undefined>, sizeBytes: number): Steps<DumpIndex> {
    const index = this.begin(yield* this.#readObject(first.bytes, first.at), first.at)
    for (const line of rest) {
      yield
      if (line === undefined) continue
      const record = yield* this.#readObject(line.bytes, line.at)
      if (Object.hasOwn(record.object, 'end')) return this.#finishAt(line, index, record.object, sizeBytes)
      yield* this.#addLine(record, line.at, line.bytes.length)
    }
    throw truncated(sizeBytes)
  }

  *indexDocument(first: Line, rest: Iterable<Line | undefined>, sizeBytes: number): Steps<DumpIndex> {
    const header = first.bytes.subarray(DUMP_START.length, first.bytes.length - ENTRIES_START.length)
    const index = this.begin(yield* this.#readObject(header, first.at), first.at)
    let wantsMore = false // a comma was the last that was read
    for (const line of rest) {
      yield
      if (line === undefined) continue
      const isFooter = line.bytes[0] === FOOTER_START.charCodeAt(0)
      if (this.records.length > 0 && wantsMore === isFooter)
        throw damaged('commas are not between its entries', line.at)
      if (isFooter) {
        const text = this.#platform.utf8(line.bytes)
        if (!text.startsWith(FOOTER_START) || !text.endsWith('}'))
          throw damaged('its footer is not as it must be', line.at)
        const footer = yield* this.#readObject(line.bytes.subarray(FOOTER_START.length, -1), line.at)
        return this.#finishAt(line, index, footer.object, sizeBytes)
      }
      wantsMore = line.bytes.at(-1) === ','.charCodeAt(0)
      const record = wantsMore ? line.bytes.subarray(0, -1) : line.bytes
      yield* this.#addLine(yield* this.#readObject(record, line.at), line.at, record.length)
    }
    throw truncated(sizeBytes)
  }

  begin({ object, canonical }: Spelled, at: number): Omit<DumpIndex, 'records'> {
    const { arcDump, name, git } = object
    if (typeof arcDump === 'number' && arcDump !== 1) throw unsupportedVersion(String(arcDump))
    if (arcDump !== 1) throw damaged('its header does not say arcDump 1', at)
    if (typeof name !== 'string') throw damaged('its header has no name', at)
    finishSteps(this.#digest(`${canonical}\n`))
    return { name, git: parseGitState(git), directoryMode: COMMON_MODES.directory }
  }

  /** Take an entry; `keep` says how the content that was found in it can be read later. */
  *add({ object: entry, canonical }: Spelled, at: number, keep: (found: SyncContent) => SyncContent): Steps<void> {
    const path = entry['path']
    if (typeof path !== 'string') throw damaged('an entry has no path', at)
    yield* this.#digest(`${canonical}\n`)
    const record = this.#recordOf(entry, path as EntryPath, at)
    if (record.content !== undefined) {
      yield* this.#checkContent(contentIn(entry, at, this.#platform), record)
      record.content = keep(record.content)
    }
    this.#totalBytes += record.sizeBytes
    assertWithin('bytes in one file', record.sizeBytes, this.#limits.maxFileBytes)
    assertWithin('bytes of content', this.#totalBytes, this.#limits.maxTotalBytes)
    assertWithin('entries', this.records.push(record), this.#limits.maxEntries)
    if (record.type === 'file' && record.linkOf === undefined) this.#files.set(path, record)
    this.#onBytes(at)
  }

  #addLine(entry: Spelled, at: number, lengthBytes: number): Steps<void> {
    return this.add(entry, at, () => ({ kind: 'sync', open: () => this.#readContent(at, lengthBytes).open() }))
  }

  /** The content in a line that was found to be good. */
  #readContent(at: number, lengthBytes: number): SyncContent {
    const bytes = this.#platform.allocate(lengthBytes)
    readFrom(this.#input, bytes, at)
    return piecesContent(contentIn(parsed(bytes, at, this.#platform), at, this.#platform))
  }

  #readObject(bytes: Uint8Array, at: number): Steps<Spelled> {
    return readObject(bytes, at, this.#platform)
  }

  #recordOf(entry: JsonObject, path: EntryPath, at: number): DumpRecord {
    const { size, sha256, mtime } = entry
    const fail = (what: string): never => {
      throw damaged(what, at, path)
    }
    const type = typeIn(entry) ?? fail('its type is unknown')
    const allowed = MEMBERS[type]
    const strange = Object.keys(entry).find((name) => KNOWN_MEMBERS.has(name) && !allowed.has(name))
    if (strange !== undefined) fail(`a ${type} has no ${strange}`)
    const mtimeNs = mtime === undefined ? undefined : (timeIn(mtime) ?? fail('its mtime is not as it must be'))
    const mode = allowed.has('mode') ? (parseMode(entry['mode']) ?? fail('its mode is not as it must be')) : 0
    const common = { path, mode, mtimeNs, isOmitted: false }
    if (type === 'directory') return { ...common, type, sizeBytes: 0, sha256: undefined }
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      return fail('its size is no count of bytes')
    if (typeof sha256 !== 'string' || !SHA256.test(sha256)) return fail('its sha256 is not as it must be')
    const stated = { ...common, sizeBytes: size, sha256 }
    if (type === 'hardlink') {
      const { to } = entry
      const first = typeof to === 'string' ? this.#files.get(to) : undefined
      if (first === undefined) return fail('it is a hard link to a file that does not come before it')
      if (first.sha256 !== sha256 || first.sizeBytes !== size)
        return fail('it is a hard link, but is said to differ from its file')
      return { ...stated, type: 'file', mode: first.mode, isOmitted: first.isOmitted, linkOf: first.path }
    }
    if (type === 'symlink') {
      const target = entry['target']
      if (typeof target !== 'string') return fail('it is a symbolic link without a target')
      finishSteps(this.#checkContent([encodePath(target as EntryPath)], stated))
      return { ...stated, type, target: target as EntryPath }
    }
    if (Object.hasOwn(entry, 'omitted')) {
      if (entry['omitted'] !== true || Object.hasOwn(entry, 'text') || Object.hasOwn(entry, 'base64')) {
        fail('it must have one of text, base64 and omitted')
      }
      return { ...stated, type, isOmitted: true }
    }
    return { ...stated, type, content: piecesContent(contentIn(entry, at, this.#platform)) }
  }

  #finishAt(line: Line, index: Omit<DumpIndex, 'records'>, footer: JsonObject, sizeBytes: number): DumpIndex {
    if (line.end !== sizeBytes) throw damaged('something follows the footer', line.end)
    return this.finish(index, footer, line.at)
  }

  finish(index: Omit<DumpIndex, 'records'>, footer: JsonObject, at: number): DumpIndex {
    if (Object.keys(footer).at(-1) !== 'sha256') throw damaged('the digest is not the last member of its footer', at)
    const { sha256, ...figures } = footer
    if (figures['end'] !== true || figures['entries'] !== this.records.length)
      throw damaged('the footer counts other entries than there are', at)
    finishSteps(this.#digest(JSON.stringify(figures).slice(0, -1)))
    if (sha256 !== this.#sha256.digestHex()) throw damaged('it was changed: the digest in its footer is another', at)
    return { ...index, records: this.records }
  }

  /** The digest is over what `JSON.stringify` makes of each object, whatever its layout in the document. */
  *#digest(text: string): Steps<void> {
    for (let at = 0; at < text.length;) {
      let end = Math.min(text.length, at + DIGEST_CHARACTERS)
      if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
      this.#sha256.update(this.#platform.encode(at === 0 && end === text.length ? text : text.slice(at, end)))
      at = end
      if (at < text.length) yield
    }
  }

  *#checkContent(pieces: Iterable<Uint8Array>, stated: Pick<DumpRecord, 'path' | 'sizeBytes' | 'sha256'>): Steps<void> {
    const sha256 = this.#platform.startSha256()
    let sizeBytes = 0
    for (const piece of pieces) {
      sha256.update(piece)
      sizeBytes += piece.length
      yield
    }
    const found = sha256.digestHex()
    if (found !== stated.sha256 || sizeBytes !== stated.sizeBytes)
      throw hashMismatch(stated.path, stated.sha256 ?? '-', found)
  }
}

/** Whether a character goes on in the next unit, so that it cannot be encoded without that. */
function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

function typeIn({ type }: JsonObject): keyof typeof MEMBERS | undefined {
  return typeof type === 'string' && Object.hasOwn(MEMBERS, type) ? (type as keyof typeof MEMBERS) : undefined
}

function timeIn(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !MTIME.test(value)) return undefined
  const timeNs = parseTime(value)
  return formatTime(timeNs) === value ? timeNs : undefined
}

function* readObject(bytes: Uint8Array, at: number, platform: Platform): Steps<Spelled> {
  if (!platform.isUtf8(bytes)) throw damaged('it is not UTF-8', at)
  try {
    const { value, canonical } = yield* readJson(platform.utf8(bytes))
    return { object: asObject(value, at), canonical }
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(`it is not JSON as it must be: ${error.message}`, at)
    throw error
  }
}

/** The object in bytes that {@link readObject} took. */
function parsed(bytes: Uint8Array, at: number, platform: Platform): JsonObject {
  try {
    return asObject(JSON.parse(platform.utf8(bytes)), at)
  } catch {
    throw damaged('it is not JSON as it must be', at)
  }
}

function asObject(value: unknown, at: number): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('it is no JSON object', at)
  return value as JsonObject
}
