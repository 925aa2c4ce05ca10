import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { join } from 'node:path'
import { type ArcError, errnoOf, systemCallError } from '@arc/core'
import { type FileSystem, readFully, syncDirectory, writeFully } from '@arc/core/node'
import type { Edit } from './edit.ts'
import type { StoredEvent } from './store.ts'
import { damagedStore } from './store-error.ts'

/** What one commit writes to the log. */
export interface LogRecord {
  /** Counts records of the store from 1. */
  readonly n: number
  readonly edits: readonly Edit[]
  /** Small contents that the edits name for the first time. Larger ones are objects. */
  readonly contents?: readonly LoggedContent[] | undefined
  readonly events?: readonly StoredEvent[] | undefined
  /** Events that were delivered. */
  readonly delivered?: readonly string[] | undefined
}

export interface LoggedContent {
  readonly sha: string
  readonly size: number
  /** How `data` is compressed. */
  readonly encoding?: 'zstd' | undefined
  /** Base64; absent when the content is an object. */
  readonly data?: string | undefined
}

/** How far a log has been read: the next record begins at `offset` and is chained to `sum`. */
export interface LogPosition {
  readonly segment: number
  readonly offset: number
  readonly sum: string
}

/** Where a log ends, and the number of its last record. */
export interface LogEnd extends LogPosition {
  readonly n: number
}

export const LOG_START: Omit<LogPosition, 'segment'> = Object.freeze({ offset: 0, sum: '0'.repeat(16) })

/** A write returns once it is durable; 0 where the system has no such flag (Windows). */
const DURABLE_WRITES = (constants as Record<string, number | undefined>)['O_DSYNC'] ?? 0
const SUM_DIGITS = 16
const BODY_AT = 2 + SUM_DIGITS + 2 // ["<sum>",
const BRACKET = 0x5b
const LINE_FEED = 0x0a
const ALLOCATED_STEP = 1024 * 1024
const READ_BYTES = 256 * 1024
const DAMAGED_LOG = 'Put the log back from a backup. The plain files are as they were, and any program can read them.'

/** A record as it stands in the log, and the sum that the next one is chained to. */
export function encodeRecord(record: LogRecord, previousSum: string): { line: Buffer; sum: string } {
  const line = Buffer.from(`${' '.repeat(BODY_AT)}${JSON.stringify(record)}]\n`)
  line.write(previousSum, BODY_AT - SUM_DIGITS, 'latin1') // what is hashed lies in one piece
  const sum = hash('sha256', line.subarray(BODY_AT - SUM_DIGITS, -2), 'hex').slice(0, SUM_DIGITS)
  line.write(`["${sum}",`, 'latin1')
  return { line, sum }
}

/** The record of a line, or `undefined` when the line is torn or does not follow `previousSum`. */
function decodeLine(line: Buffer, previousSum: string): { body: unknown; sum: string } | undefined {
  if (line.length < BODY_AT + 2 || line[0] !== BRACKET) return undefined
  const sum = line.toString('latin1', 2, 2 + SUM_DIGITS)
  const text = line.toString('utf8', BODY_AT, line.length - 1)
  if (hash('sha256', previousSum + text, 'hex').slice(0, SUM_DIGITS) !== sum) return undefined
  return { body: JSON.parse(text) as unknown, sum }
}

/**
 * The append-only log of a store: the one durable record of what happened, from which all else can be built anew. The file
 * is longer than what was written: room is made a megabyte at a time, so that a commit need not change its length.
 * Only the holder of the write turn appends.
 */
export class VersionLog implements Disposable {
  readonly folder: string
  readonly #fs: FileSystem
  readonly #isReadOnly: boolean
  #fd = -1
  #segment = -1
  #allocatedBytes = 0
  readonly #first = Buffer.alloc(1)

  /** With `readOnly` nothing is made or changed; a log that is not there is an empty one. */
  constructor(folder: string, fs: FileSystem, { readOnly = false }: { readOnly?: boolean } = {}) {
    this.folder = folder
    this.#fs = fs
    this.#isReadOnly = readOnly
  }

  /** Numbers of the segments there are, ascending. */
  segments(): number[] {
    const numbers: number[] = []
    for (const name of this.#attempt('list', this.folder, () => this.#fs.readdirSync(this.folder))) {
      const number = /^(\d{8})\.jsonl$/.exec(name)?.[1]
      if (number !== undefined) numbers.push(Number(number))
    }
    return numbers.sort((a, b) => a - b)
  }

  path(segment: number): string {
    return join(this.folder, `${String(segment).padStart(8, '0')}.jsonl`)
  }

  /** Whether a record was written behind `position`, whole or not. */
  hasMore({ segment, offset }: LogPosition): boolean {
    if (!this.#open(segment)) return false
    const first = this.#first
    return this.#fs.readSync(this.#fd, first, 0, 1, offset) === 1 && first[0] === BRACKET
  }

  /** Write lines at `position` and make them durable. */
  append(lines: readonly Buffer[], { segment, offset }: LogPosition): number {
    this.#open(segment)
    const bytes = lines.length === 1 ? (lines[0] as Buffer) : Buffer.concat(lines)
    this.#attempt('write', this.path(segment), () => {
      this.#allocate(offset, offset + bytes.length)
      writeFully(this.#fs, this.#fd, bytes, offset)
      if (DURABLE_WRITES === 0) this.#fs.fsyncSync(this.#fd)
    })
    return offset + bytes.length
  }

  /** Take back an append that did not succeed, so that nobody takes it for one that did. */
  takeBack({ segment, offset }: LogPosition): void {
    this.#open(segment)
    this.#fs.ftruncateSync(this.#fd, offset)
    this.#fs.fsyncSync(this.#fd)
    this.#allocatedBytes = offset
  }

  /**
   * Records from `position` to the end. The last one may be torn: then nothing of it was acknowledged, and it is left out.
   * Throws `ARC_STORE_DAMAGED` when more follows what cannot be read.
   */
  *read(position: LogPosition): Generator<{ body: unknown; after: LogPosition }, void, undefined> {
    const { segment } = position
    let { offset, sum } = position
    if (!this.#open(segment)) return
    for (const line of this.#lines(offset)) {
      const decoded = decodeLine(line, sum)
      if (decoded === undefined) {
        if (this.#isLastLine(offset + line.length + 1)) return
        const reason = `the record at byte ${offset} is damaged, and others follow it`
        throw damagedStore(this.path(segment), reason, undefined, DAMAGED_LOG)
      }
      offset += line.length + 1
      sum = decoded.sum
      yield { body: decoded.body, after: { segment, offset, sum } }
    }
  }

  [Symbol.dispose](): void {
    this.#close()
  }

  *#lines(offset: number): Generator<Buffer, void, undefined> {
    let pending = Buffer.alloc(0)
    const into = Buffer.alloc(READ_BYTES)
    for (let at = offset; ;) {
      const count = readFully(this.#fs, this.#fd, into, at)
      at += count
      pending = Buffer.concat([pending, into.subarray(0, count)])
      let start = 0
      for (let end = pending.indexOf(LINE_FEED); end !== -1; end = pending.indexOf(LINE_FEED, start)) {
        if (pending[start] !== BRACKET) return
        yield pending.subarray(start, end)
        start = end + 1
      }
      pending = pending.subarray(start)
      if (count < into.length || (pending.length > 0 && pending[0] !== BRACKET)) {
        if (pending[0] === BRACKET) yield pending
        return
      }
    }
  }

  /** Whether only room, and no further record, lies behind `offset`. */
  #isLastLine(offset: number): boolean {
    const into = Buffer.alloc(READ_BYTES)
    const count = readFully(this.#fs, this.#fd, into, offset)
    return !into.subarray(0, count).includes('["')
  }

  #allocate(offset: number, neededBytes: number): void {
    if (neededBytes <= this.#allocatedBytes) return
    this.#allocatedBytes = this.#fs.fstatSync(this.#fd).size
    if (this.#allocatedBytes < offset)
      throw damagedStore(this.path(this.#segment), `it ends before byte ${offset}`, undefined, DAMAGED_LOG)
    if (neededBytes <= this.#allocatedBytes) return
    const size = Math.max(ALLOCATED_STEP, neededBytes - this.#allocatedBytes)
    writeFully(this.#fs, this.#fd, Buffer.alloc(size), this.#allocatedBytes)
    this.#allocatedBytes += size
  }

  /** `false` when there is none, and none may be made. */
  #open(segment: number): boolean {
    if (this.#segment === segment) return true
    this.#close()
    const path = this.path(segment)
    return this.#attempt('open', path, () => {
      try {
        this.#fd = this.#fs.openSync(path, this.#isReadOnly ? constants.O_RDONLY : constants.O_RDWR | DURABLE_WRITES)
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error
        if (this.#isReadOnly) return false
        const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | DURABLE_WRITES
        this.#fd = this.#fs.openSync(path, flags, 0o666)
        syncDirectory(this.folder, this.#fs)
      }
      this.#segment = segment
      this.#allocatedBytes = 0
      return true
    })
  }

  #close(): void {
    if (this.#fd >= 0) this.#fs.closeSync(this.#fd)
    this.#fd = -1
    this.#segment = -1
  }

  #attempt<T>(action: string, path: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, path) satisfies ArcError
    }
  }
}
