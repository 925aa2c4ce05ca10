import { readSync } from 'node:fs'
import { assertWithin, bytesContent, DEFAULT_LIMITS, encodePath, type EntryPath, type Limits, type SyncContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { parseTime } from './attributes.ts'
import type { DumpInput } from './dump-input.ts'
import { damaged, type DumpIndex, type DumpRecord, truncated } from './dump-record.ts'
import { parseGitState } from './front-matter.ts'
import { hashMismatch } from './hash-content.ts'
import { type Line, readLines } from './line-reader.ts'
import { COMMON_MODES } from './preamble.ts'

/** A record is parsed as one string, and V8's end at 512 MiB. */
const MAX_RECORD_BYTES = 256 * 1024 * 1024
const MAX_REFORMATTED_BYTES = 256 * 1024 * 1024
const DUMP_START = '{"dump":'
const ENTRIES_START = ',"entries":['
const FOOTER_START = '],"footer":'
const HEADER_LINE = /^\{.*"arcDump":\s*1.*\}\s*$/s
const SHA256 = /^[0-9a-f]{64}$/
const MODE = /^[0-7]{3,4}$/
const MTIME = /^-?\d{1,18}\.\d{9}$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

type JsonObject = Readonly<Record<string, unknown>>

export interface JsonIndexOptions {
  limits?: Limits
  onBytes?: (doneBytes: number) => void
}

/** Read a JSON or JSON Lines document once and find everything in it (docs/formats/arc-dump-1.md, 3 and 4). */
export function indexJson(input: DumpInput, options: JsonIndexOptions = {}): DumpIndex {
  const indexer = new JsonIndexer(input.fd, options)
  const lines = readLines(input, MAX_RECORD_BYTES)
  const first = lines.next()
  if (first.done === true) throw truncated(input.sizeBytes)
  const head = first.value.text()
  if (head.startsWith(DUMP_START) && head.endsWith(ENTRIES_START)) return indexer.indexDocument(first.value, lines, input.sizeBytes)
  if (HEADER_LINE.test(head)) return indexer.indexLines(first.value, lines, input.sizeBytes)
  return indexReformatted(input, indexer)
}

/** A JSON document that some other program has laid out anew. */
function indexReformatted(input: DumpInput, indexer: JsonIndexer): DumpIndex {
  assertWithin('bytes in a JSON document that is not laid out as Arc writes it', input.sizeBytes, MAX_REFORMATTED_BYTES)
  const bytes = Buffer.allocUnsafe(input.sizeBytes)
  readSync(input.fd, bytes, 0, bytes.length, 0)
  const { dump, entries, footer } = objectIn(bytes.toString('utf8'), 0)
  if (!Array.isArray(entries)) throw damaged('its entries are no list', 0)
  const index = indexer.begin(asObject(dump, 0))
  for (const entry of entries) indexer.add(asObject(entry, 0), 0, (content) => bytesContent(content))
  return indexer.finish(index, asObject(footer, 0), 0)
}

class JsonIndexer {
  readonly records: DumpRecord[] = []
  readonly #fd: number
  readonly #limits: Limits
  readonly #onBytes: (doneBytes: number) => void
  readonly #files = new Map<string, DumpRecord>()
  readonly #sha256 = startSha256()
  #totalBytes = 0

  constructor(fd: number, options: JsonIndexOptions) {
    this.#fd = fd
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#onBytes = options.onBytes ?? (() => {})
  }

  indexLines(first: Line, rest: Iterable<Line>, sizeBytes: number): DumpIndex {
    const index = this.begin(objectIn(first.text(), first.at))
    for (const line of rest) {
      const record = objectIn(line.text(), line.at)
      if (record['end'] === true) return this.#finishAt(line, index, record, sizeBytes)
      this.#addLine(record, line.at, line.bytes.length)
    }
    throw truncated(sizeBytes)
  }

  indexDocument(first: Line, rest: Iterable<Line>, sizeBytes: number): DumpIndex {
    const header = first.bytes.subarray(DUMP_START.length, first.bytes.length - ENTRIES_START.length)
    const index = this.begin(objectIn(header.toString('utf8'), first.at))
    for (const line of rest) {
      const isFooter = line.bytes[0] === FOOTER_START.charCodeAt(0)
      if (isFooter) {
        const text = line.text()
        if (!text.startsWith(FOOTER_START) || !text.endsWith('}')) throw damaged('its footer is not as it must be', line.at)
        return this.#finishAt(line, index, objectIn(text.slice(FOOTER_START.length, -1), line.at), sizeBytes)
      }
      const hasComma = line.bytes.at(-1) === ','.charCodeAt(0)
      const record = hasComma ? line.bytes.subarray(0, -1) : line.bytes
      this.#addLine(objectIn(record.toString('utf8'), line.at), line.at, record.length)
    }
    throw truncated(sizeBytes)
  }

  begin(header: JsonObject): Omit<DumpIndex, 'records'> {
    if (header['arcDump'] !== 1) throw damaged('its header does not say arcDump 1', 0)
    if (typeof header['name'] !== 'string') throw damaged('its header has no name', 0)
    this.#digest(`${JSON.stringify(header)}\n`)
    return { name: header['name'], git: parseGitState(header['git']), directoryMode: COMMON_MODES.directory }
  }

  /** Take an entry; `keep` makes content of bytes that were found in it. */
  add(entry: JsonObject, at: number, keep: (content: Buffer) => SyncContent): void {
    const path = entry['path']
    if (typeof path !== 'string') throw damaged('an entry has no path', at)
    this.#digest(`${JSON.stringify(entry)}\n`)
    const record = this.#recordOf(entry, path as EntryPath, at, keep)
    this.#totalBytes += record.sizeBytes
    assertWithin('bytes in one file', record.sizeBytes, this.#limits.maxFileBytes)
    assertWithin('bytes of content', this.#totalBytes, this.#limits.maxTotalBytes)
    assertWithin('entries', this.records.push(record), this.#limits.maxEntries)
    if (record.type === 'file' && record.linkOf === undefined) this.#files.set(path, record)
    this.#onBytes(at)
  }

  #addLine(entry: JsonObject, at: number, lengthBytes: number): void {
    this.add(entry, at, () => ({ kind: 'sync', open: () => bytesContent(this.#readContent(at, lengthBytes)).open() }))
  }

  #readContent(at: number, lengthBytes: number): Buffer {
    const bytes = Buffer.allocUnsafe(lengthBytes)
    readSync(this.#fd, bytes, 0, lengthBytes, at)
    return contentIn(objectIn(bytes.toString('utf8'), at), at)
  }

  #recordOf(entry: JsonObject, path: EntryPath, at: number, keep: (content: Buffer) => SyncContent): DumpRecord {
    const { type, mode, size, sha256, mtime } = entry
    const fail = (what: string): never => {
      throw damaged(what, at, path)
    }
    const mtimeNs = mtime === undefined ? undefined : typeof mtime === 'string' && MTIME.test(mtime) ? parseTime(mtime) : fail('its mtime is not as it must be')
    const hasMode = type === 'file' || type === 'directory'
    if (hasMode ? typeof mode !== 'string' || !MODE.test(mode) : mode !== undefined) fail('its mode is not as it must be')
    const common = { path, mode: hasMode ? Number.parseInt(mode as string, 8) : 0, mtimeNs, isOmitted: false }
    if (type === 'directory') return { ...common, type, sizeBytes: 0, sha256: undefined }
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return fail('its size is no count of bytes')
    if (typeof sha256 !== 'string' || !SHA256.test(sha256)) return fail('its sha256 is not as it must be')
    const stated = { ...common, sizeBytes: size, sha256 }
    if (type === 'hardlink') {
      const first = this.#files.get(String(entry['to']))
      if (first === undefined) return fail('it is a hard link to a file that does not come before it')
      if (first.sha256 !== sha256 || first.sizeBytes !== size) return fail('it is a hard link, but is said to differ from its file')
      return { ...stated, type: 'file', mode: first.mode, isOmitted: first.isOmitted, linkOf: first.path }
    }
    if (type === 'symlink') {
      const target = entry['target']
      if (typeof target !== 'string') return fail('it is a symbolic link without a target')
      checkContent(encodePath(target as EntryPath), stated)
      return { ...stated, type, target: target as EntryPath }
    }
    if (type !== 'file') return fail('its type is unknown')
    if (entry['omitted'] === true) return { ...stated, type, isOmitted: true }
    const content = contentIn(entry, at)
    checkContent(content, stated)
    return { ...stated, type, content: keep(content) }
  }

  #finishAt(line: Line, index: Omit<DumpIndex, 'records'>, footer: JsonObject, sizeBytes: number): DumpIndex {
    if (line.end !== sizeBytes) throw damaged('something follows the footer', line.end)
    return this.finish(index, footer, line.at)
  }

  finish(index: Omit<DumpIndex, 'records'>, footer: JsonObject, at: number): DumpIndex {
    const { sha256, ...figures } = footer
    if (figures['end'] !== true || figures['entries'] !== this.records.length) throw damaged('the footer counts other entries than there are', at)
    this.#digest(JSON.stringify(figures).slice(0, -1))
    if (sha256 !== this.#sha256.digestHex()) throw damaged('it was changed: the digest in its footer is another', at)
    return { ...index, records: this.records }
  }

  /** The digest is over what `JSON.stringify` makes of each object, whatever its layout in the document. */
  #digest(text: string): void {
    this.#sha256.update(Buffer.from(text))
  }
}

function checkContent(content: Uint8Array, stated: { path: EntryPath; sizeBytes: number; sha256: string }): void {
  const found = sha256Hex(content)
  if (found !== stated.sha256 || content.length !== stated.sizeBytes) throw hashMismatch(stated.path, stated.sha256, found)
}

/** The bytes of a file's record. */
function contentIn(entry: JsonObject, at: number): Buffer {
  const text = stringsIn(entry['text'])
  const base64 = stringsIn(entry['base64'])
  const path = String(entry['path'])
  if (text !== undefined && base64 === undefined) {
    if (!text.every((piece) => piece.isWellFormed())) throw damaged('its text holds lone surrogates', at, path)
    return Buffer.concat(text.map((piece) => Buffer.from(piece)))
  }
  if (base64 === undefined || text !== undefined) throw damaged('it must have one of text and base64', at, path)
  if (!base64.every((piece) => BASE64.test(piece))) throw damaged('its base64 is not as it must be', at, path)
  return Buffer.concat(base64.map((piece) => Buffer.from(piece, 'base64')))
}

function stringsIn(value: unknown): string[] | undefined {
  const list: unknown = typeof value === 'string' ? [value] : value
  return Array.isArray(list) && list.every((piece) => typeof piece === 'string') ? list : undefined
}

function objectIn(text: string, at: number): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`, at)
  }
  return asObject(value, at)
}

function asObject(value: unknown, at: number): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('it is no JSON object', at)
  return value as JsonObject
}
