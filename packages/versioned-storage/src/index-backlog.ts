import type { PutEdit } from './edit.ts'
import type { History } from './history.ts'
import { applyPut } from './index-edits.ts'
import type { IndexedContent } from './index-rows.ts'
import type { VersionIndex } from './version-index.ts'
import type { LogEnd, LogPosition } from './version-log.ts'
import type { VersionRecord } from './version.ts'

/** A version that the log has and the index not yet. */
export interface LaggingPut {
  readonly edit: PutEdit
  /** Its content, unless something named it before. */
  readonly content: IndexedContent | undefined
  /** Of its plain file. */
  readonly stamp: string
  /** The highest fencing token of the key. */
  readonly token: number
}

/**
 * Puts of this process that the log has and the index does not yet have, so that many share one transaction of it. Who else
 * needs them, in this process or another, finds the log longer than the index says and reads them there; so does whoever
 * comes after a crash. Nothing is locked meanwhile.
 */
export class IndexBacklog {
  #puts: LaggingPut[] = []
  readonly #byKey = new Map<string, LaggingPut>()
  readonly #contents = new Set<string>()
  #start: LogPosition | undefined
  #end: LogEnd | undefined

  get length(): number {
    return this.#puts.length
  }

  /** The newest of a key. */
  latest(key: string): LaggingPut | undefined {
    return this.#byKey.get(key)
  }

  hasContent(sha256: string): boolean {
    return this.#contents.has(sha256)
  }

  add(puts: readonly LaggingPut[], start: LogPosition, end: LogEnd): void {
    this.#start ??= start
    this.#end = end
    for (const put of puts) {
      this.#puts.push(put)
      this.#byKey.set(put.edit.key, put)
      if (put.content !== undefined) this.#contents.add(put.content.sha)
    }
  }

  /**
   * Enter all into the index, within the transaction of the holder of the write turn; `false` when there is nothing to do,
   * since somebody else has read them from the log. What is not committed then is still in the log.
   */
  writeTo(index: VersionIndex): boolean {
    const [puts, start, end] = [this.#puts, this.#start, this.#end]
    this.clear()
    if (start === undefined || end === undefined || index.position().offset !== start.offset) return false
    for (const { edit, content, stamp } of puts) applyPut(index, edit, { content, stamp })
    index.setPosition(end, end.n)
    return true
  }

  clear(): void {
    this.#puts = []
    this.#byKey.clear()
    this.#contents.clear()
    this.#start = undefined
    this.#end = undefined
  }
}

/** What a put decides on when the one before it is not in the index yet. Whatever needs more is decided on the index. */
export class LaggingHistory implements History {
  readonly key: string
  readonly nextSeq: number
  readonly token: number
  readonly lock = undefined
  readonly latest: VersionRecord

  constructor({ edit, token }: LaggingPut) {
    const { key, seq, at, sha, size, origin, meta } = edit
    this.key = key
    this.nextSeq = seq + 1
    this.token = token
    this.latest = { seq, atMs: at, sha256: sha, sizeBytes: size, origin, metadata: meta }
  }

  get versions(): never {
    throw new NeedsIndex()
  }

  get tags(): never {
    throw new NeedsIndex()
  }
}

class NeedsIndex extends Error {}
