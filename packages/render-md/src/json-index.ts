import {
  assertWithin,
  bytesContent,
  DEFAULT_LIMITS,
  encodePath,
  type EntryPath,
  type Limits,
  type SyncContent,
} from '@arc/core'
import { formatTime, parseMode, parseTime } from './attributes.ts'
import { type DumpInput, readFrom } from './dump-input.ts'
import { damaged, type DumpIndex, type DumpRecord, truncated } from './dump-record.ts'
import { parseGitState, unsupportedVersion } from './front-matter.ts'
import { hashMismatch } from './hash-mismatch.ts'
import { readJson } from './json-text.ts'
import { type Line, readLines } from './line-reader.ts'
import { MAX_RECORD_BYTES } from './json-record.ts'
import type { HashState, Platform } from './platform.ts'
import { COMMON_MODES } from './preamble.ts'

const MAX_REFORMATTED_BYTES = 256 * 1024 * 1024
const DUMP_START = '{"dump":'
const ENTRIES_START = ',"entries":['
const FOOTER_START = '],"footer":'
const SHA256 = /^[0-9a-f]{64}$/
const MTIME = /^-?\d{1,18}\.\d{9}$/

type JsonObject = Readonly<Record<string, unknown>>

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
export function indexJson(input: DumpInput, options: JsonIndexOptions = {}): DumpIndex {
  const indexer = new JsonIndexer(input, options)
  const lines = readLines(input, MAX_RECORD_BYTES)
  const first = lines.next()
  if (first.done === true) return indexReformatted(input, indexer) // all in one line, without its end
  const head = input.platform.utf8(first.value.bytes)
  if (head.startsWith(DUMP_START) && head.endsWith(ENTRIES_START))
    return indexer.indexDocument(first.value, lines, input.sizeBytes)
  if (isHeader(head)) return indexer.indexLines(first.value, lines, input.sizeBytes)
  return indexReformatted(input, indexer)
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
function indexReformatted(input: DumpInput, indexer: JsonIndexer): DumpIndex {
  assertWithin('bytes in a JSON document that is not laid out as Arc writes it', input.sizeBytes, MAX_REFORMATTED_BYTES)
  const bytes = input.platform.allocate(input.sizeBytes)
  readFrom(input, bytes, 0)
  const { object } = readObject(bytes, 0, input.platform)
  const { dump, entries, footer } = object
  if (Object.keys(object).join() !== 'dump,entries,footer' || !Array.isArray(entries)) {
    throw damaged('it has other members than dump, entries and footer', 0)
  }
  const index = indexer.begin(spelled(dump), 0)
  for (const entry of entries) indexer.add(spelled(entry), 0, (content) => bytesContent(content))
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

  indexLines(first: Line, rest: Iterable<Line>, sizeBytes: number): DumpIndex {
    const index = this.begin(this.#readObject(first.bytes, first.at), first.at)
    for (const line of rest) {
      const record = this.#readObject(line.bytes, line.at)
      if (Object.hasOwn(record.object, 'end')) return this.#finishAt(line, index, record.object, sizeBytes)
      this.#addLine(record, line.at, line.bytes.length)
    }
    throw truncated(sizeBytes)
  }

  indexDocument(first: Line, rest: Iterable<Line>, sizeBytes: number): DumpIndex {
    const header = first.bytes.subarray(DUMP_START.length, first.bytes.length - ENTRIES_START.length)
    const index = this.begin(this.#readObject(header, first.at), first.at)
    let wantsMore = false // a comma was the last that was read
    for (const line of rest) {
      const isFooter = line.bytes[0] === FOOTER_START.charCodeAt(0)
      if (this.records.length > 0 && wantsMore === isFooter)
        throw damaged('commas are not between its entries', line.at)
      if (isFooter) {
        const text = this.#platform.utf8(line.bytes)
        if (!text.startsWith(FOOTER_START) || !text.endsWith('}'))
          throw damaged('its footer is not as it must be', line.at)
        const footer = this.#readObject(line.bytes.subarray(FOOTER_START.length, -1), line.at)
        return this.#finishAt(line, index, footer.object, sizeBytes)
      }
      wantsMore = line.bytes.at(-1) === ','.charCodeAt(0)
      const record = wantsMore ? line.bytes.subarray(0, -1) : line.bytes
      this.#addLine(this.#readObject(record, line.at), line.at, record.length)
    }
    throw truncated(sizeBytes)
  }

  begin({ object, canonical }: Spelled, at: number): Omit<DumpIndex, 'records'> {
    const { arcDump, name, git } = object
    if (typeof arcDump === 'number' && arcDump !== 1) throw unsupportedVersion(String(arcDump))
    if (arcDump !== 1) throw damaged('its header does not say arcDump 1', at)
    if (typeof name !== 'string') throw damaged('its header has no name', at)
    this.#digest(`${canonical}\n`)
    return { name, git: parseGitState(git), directoryMode: COMMON_MODES.directory }
  }

  /** Take an entry; `keep` makes content of bytes that were found in it. */
  add({ object: entry, canonical }: Spelled, at: number, keep: (content: Uint8Array) => SyncContent): void {
    const path = entry['path']
    if (typeof path !== 'string') throw damaged('an entry has no path', at)
    this.#digest(`${canonical}\n`)
    const record = this.#recordOf(entry, path as EntryPath, at, keep)
    this.#totalBytes += record.sizeBytes
    assertWithin('bytes in one file', record.sizeBytes, this.#limits.maxFileBytes)
    assertWithin('bytes of content', this.#totalBytes, this.#limits.maxTotalBytes)
    assertWithin('entries', this.records.push(record), this.#limits.maxEntries)
    if (record.type === 'file' && record.linkOf === undefined) this.#files.set(path, record)
    this.#onBytes(at)
  }

  #addLine(entry: Spelled, at: number, lengthBytes: number): void {
    this.add(entry, at, () => ({ kind: 'sync', open: () => bytesContent(this.#readContent(at, lengthBytes)).open() }))
  }

  #readContent(at: number, lengthBytes: number): Uint8Array {
    const bytes = this.#platform.allocate(lengthBytes)
    readFrom(this.#input, bytes, at)
    return contentIn(this.#readObject(bytes, at).object, at, this.#platform)
  }

  #readObject(bytes: Uint8Array, at: number): Spelled {
    return readObject(bytes, at, this.#platform)
  }

  #recordOf(entry: JsonObject, path: EntryPath, at: number, keep: (content: Uint8Array) => SyncContent): DumpRecord {
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
      this.#checkContent(encodePath(target as EntryPath), stated)
      return { ...stated, type, target: target as EntryPath }
    }
    if (Object.hasOwn(entry, 'omitted')) {
      if (entry['omitted'] !== true || Object.hasOwn(entry, 'text') || Object.hasOwn(entry, 'base64')) {
        fail('it must have one of text, base64 and omitted')
      }
      return { ...stated, type, isOmitted: true }
    }
    const content = contentIn(entry, at, this.#platform)
    this.#checkContent(content, stated)
    return { ...stated, type, content: keep(content) }
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
    this.#digest(JSON.stringify(figures).slice(0, -1))
    if (sha256 !== this.#sha256.digestHex()) throw damaged('it was changed: the digest in its footer is another', at)
    return { ...index, records: this.records }
  }

  /** The digest is over what `JSON.stringify` makes of each object, whatever its layout in the document. */
  #digest(text: string): void {
    this.#sha256.update(this.#platform.encode(text))
  }

  #checkContent(content: Uint8Array, stated: { path: EntryPath; sizeBytes: number; sha256: string }): void {
    const found = this.#platform.sha256Hex(content)
    if (found !== stated.sha256 || content.length !== stated.sizeBytes)
      throw hashMismatch(stated.path, stated.sha256, found)
  }
}

/** The bytes of a file's record. */
function contentIn(entry: JsonObject, at: number, platform: Platform): Uint8Array {
  const path = String(entry['path'])
  const isText = Object.hasOwn(entry, 'text')
  const pieces = stringsIn(isText ? entry['text'] : entry['base64'])
  if (pieces === undefined || (isText && Object.hasOwn(entry, 'base64'))) {
    throw damaged('it must have one of text, base64 and omitted', at, path)
  }
  const decode = (piece: string): Uint8Array => {
    const isSpelledRight = !isText || piece.isWellFormed()
    const bytes = isSpelledRight ? platform.encode(piece) : undefined
    const content = isText || bytes === undefined ? bytes : platform.decodeBase64(bytes)
    if (content === undefined) throw damaged('its content is not encoded as it must be', at, path)
    return content
  }
  return concat(pieces.map(decode), platform)
}

function concat(pieces: readonly Uint8Array[], platform: Platform): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array
  const whole = platform.allocate(pieces.reduce((sizeBytes, piece) => sizeBytes + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function typeIn({ type }: JsonObject): keyof typeof MEMBERS | undefined {
  return typeof type === 'string' && Object.hasOwn(MEMBERS, type) ? (type as keyof typeof MEMBERS) : undefined
}

function timeIn(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !MTIME.test(value)) return undefined
  const timeNs = parseTime(value)
  return formatTime(timeNs) === value ? timeNs : undefined
}

function stringsIn(value: unknown): string[] | undefined {
  const list: unknown = typeof value === 'string' ? [value] : value
  return Array.isArray(list) && list.every((piece) => typeof piece === 'string') ? list : undefined
}

function readObject(bytes: Uint8Array, at: number, platform: Platform): Spelled {
  if (!platform.isUtf8(bytes)) throw damaged('it is not UTF-8', at)
  try {
    const { value, canonical } = readJson(platform.utf8(bytes))
    return { object: asObject(value, at), canonical }
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(`it is not JSON as it must be: ${error.message}`, at)
    throw error
  }
}

function asObject(value: unknown, at: number): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('it is no JSON object', at)
  return value as JsonObject
}
