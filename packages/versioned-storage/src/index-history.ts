import type { History, LockRecord } from './history.ts'
import { NO_HISTORY } from './history.ts'
import type { KeyRow } from './index-rows.ts'
import type { VersionIndex } from './version-index.ts'
import type { VersionRecord } from './version.ts'

/** The history of a key as the index has it now; parts are fetched when asked for, so ask before the index changes. */
export function indexHistory(index: VersionIndex, key: string): History {
  return historyOfRow(index, key, index.key(key))
}

/** The same for a row that was fetched, if there is one. */
export function historyOfRow(index: VersionIndex, key: string, row: KeyRow | undefined): History {
  return row === undefined ? { key, ...NO_HISTORY } : new IndexHistory(index, row)
}

class IndexHistory implements History {
  readonly key: string
  readonly nextSeq: number
  readonly token: number
  readonly lock: LockRecord | undefined
  readonly #index: VersionIndex
  readonly #keyId: number
  #latest: VersionRecord | undefined
  #versions: readonly VersionRecord[] | undefined
  #tags: ReadonlyMap<string, number> | undefined

  constructor(index: VersionIndex, { id, key, nextSeq, token, lockOwner, lockToken, lockUntil }: KeyRow) {
    this.#index = index
    this.#keyId = id
    this.key = key
    this.nextSeq = nextSeq
    this.token = token
    this.lock = lockOwner === null ? undefined : { owner: lockOwner, token: lockToken, untilMs: lockUntil }
  }

  get latest(): VersionRecord | undefined {
    return (this.#latest ??= this.#versions?.at(-1) ?? this.#index.latest(this.#keyId))
  }

  get versions(): readonly VersionRecord[] {
    return (this.#versions ??= this.#index.versions(this.#keyId))
  }

  get tags(): ReadonlyMap<string, number> {
    return (this.#tags ??= this.#index.tags(this.#keyId))
  }
}
