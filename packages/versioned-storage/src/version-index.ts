import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { ArcError } from '@arc/core'
import { loadSqlite } from '@arc/core/node'
import type { SnapshotEdit } from './edit.ts'
import {
  contentOf,
  type IndexedContent,
  INDEX_SCHEMA,
  type KeyRow,
  type Row,
  snapshotOf,
  versionOf,
} from './index-rows.ts'
import type { LogEnd, LogPosition } from './version-log.ts'
import type { StoredEvent } from './store.ts'
import type { VersionRecord } from './version.ts'
import { indexError, isBusy } from './sqlite-error.ts'

const FORMAT = 1
// The log is what must survive a power cut: with NORMAL the index is never torn, and what it then lacks is read from there.
// Moving pages from the WAL into the database takes two syncs: done every 16 MiB rather than every 4.
const SETTINGS = 'PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 4000'
const OPEN_TIMEOUT_MS = 10_000
const CREATE_TRIES = 500
const KEY_COLUMNS = 'id, key, nextSeq, token, lockOwner, lockToken, lockUntil, stamp'
const VERSION_COLUMNS = 'v.seq AS seq, v.at AS at, v.size AS size, c.sha AS sha, v.facts AS facts'

/**
 * The index of a local store: a SQLite database that says quickly what the log says at length. One object is one
 * connection. Writing is for the holder of the write turn, within its transaction.
 */
export class VersionIndex implements Disposable {
  readonly database: DatabaseSync
  readonly path: string
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, { busyTimeoutMs = OPEN_TIMEOUT_MS }: { busyTimeoutMs?: number } = {}) {
    const { DatabaseSync } = loadSqlite()
    this.path = path
    this.database = this.#attempt(() => {
      const database = new DatabaseSync(path)
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
      return database
    })
  }

  /** Make the tables of a new index. Others may be at it, too: SQLite then refuses at once rather than wait. */
  create(): void {
    for (let tries = 0; ; tries++) {
      try {
        this.database.exec(`PRAGMA journal_mode = WAL; ${SETTINGS}; ${INDEX_SCHEMA}`)
        // Only a new index is written to: who merely opens one must not wait for writers.
        const isNew = this.database.prepare('SELECT id FROM state').get() === undefined
        if (isNew)
          this.database.exec(`INSERT OR IGNORE INTO state VALUES (0, ${FORMAT}, 1, 0, '${'0'.repeat(16)}', 0, '')`)
        break
      } catch (error) {
        if (!isBusy(error) || tries === CREATE_TRIES) throw indexError(this.path, error)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + Math.random() * 20)
      }
    }
    const format = Number(this.get('SELECT format FROM state')?.['format'])
    if (format !== FORMAT)
      throw new ArcError('ARC_STORE_DAMAGED', `${this.path} is of format ${format}, which this release cannot read`, {
        hint: 'Install a newer release.',
      })
    this.#attempt(() => this.database.exec('PRAGMA busy_timeout = 0')) // from now on a write turn says who waits
  }

  /** Where the log ended when the index was last brought into line with it. */
  position(): LogEnd & { boot: string } {
    return this.get('SELECT segment, offset, sum, n, boot FROM state') as unknown as LogEnd & { boot: string }
  }

  setPosition({ segment, offset, sum }: LogPosition, n: number): void {
    this.run('UPDATE state SET segment = ?, offset = ?, sum = ?, n = ?', segment, offset, sum, n)
  }

  setBoot(boot: string): void {
    this.run('UPDATE state SET boot = ?', boot)
  }

  key(key: string): KeyRow | undefined {
    return this.get(`SELECT ${KEY_COLUMNS} FROM keys WHERE key = ?`, key) as KeyRow | undefined
  }

  /** Rows of keys from `start` on, in byte order. */
  keysFrom(start: string, isInclusive: boolean, limit: number): KeyRow[] {
    const compare = isInclusive ? '>=' : '>'
    return this.all(
      `SELECT ${KEY_COLUMNS} FROM keys WHERE key ${compare} ? ORDER BY key LIMIT ?`,
      start,
      limit,
    ) as unknown as KeyRow[]
  }

  latest(keyId: number): VersionRecord | undefined {
    const row = this.get(
      `SELECT ${VERSION_COLUMNS} FROM versions v LEFT JOIN contents c ON c.id = v.content WHERE keyId = ? ORDER BY v.seq DESC LIMIT 1`,
      keyId,
    )
    return row === undefined ? undefined : versionOf(row)
  }

  versions(keyId: number, afterSeq = 0, limit = -1): VersionRecord[] {
    return this.all(
      `SELECT ${VERSION_COLUMNS} FROM versions v LEFT JOIN contents c ON c.id = v.content WHERE keyId = ? AND v.seq > ? ORDER BY v.seq LIMIT ?`,
      keyId,
      afterSeq,
      limit,
    ).map(versionOf)
  }

  tags(keyId: number): Map<string, number> {
    const rows = this.all('SELECT name, seq FROM tags WHERE keyId = ?', keyId)
    return new Map(rows.map(({ name, seq }) => [name as string, Number(seq)]))
  }

  content(sha: string): IndexedContent | undefined {
    const row = this.get('SELECT sha, size, encoding, bytes FROM contents WHERE sha = ?', sha)
    return row === undefined ? undefined : contentOf(row)
  }

  hasContent(sha: string): boolean {
    return this.get('SELECT 1 FROM contents WHERE sha = ?', sha) !== undefined
  }

  *contents(): Generator<IndexedContent & { refs: number }, void, undefined> {
    for (let after = 0; ;) {
      const rows = this.all(
        'SELECT id, sha, size, encoding, bytes, refs FROM contents WHERE id > ? ORDER BY id LIMIT 200',
        after,
      )
      for (const row of rows) yield { ...contentOf(row), refs: Number(row['refs']) }
      if (rows.length === 0) return
      after = Number(rows.at(-1)?.['id'])
    }
  }

  /** Take up a content that edits will name; `false` when it is there. */
  addContent({ sha, size, encoding, bytes }: IndexedContent): boolean {
    return (
      this.run(
        'INSERT OR IGNORE INTO contents (sha, size, encoding, refs, bytes) VALUES (?, ?, ?, 0, ?)',
        sha,
        size,
        encoding ?? null,
        bytes ?? null,
      ) === 1
    )
  }

  setStamp(key: string, stamp: string | null): void {
    this.run('UPDATE keys SET stamp = ? WHERE key = ?', stamp, key)
  }

  /** Prolong the lease of a lock that still has `token`; says whether it had. */
  renewLock(key: string, token: number, untilMs: number): boolean {
    return (
      this.run(
        'UPDATE keys SET lockUntil = ? WHERE key = ? AND lockToken = ? AND lockOwner IS NOT NULL',
        untilMs,
        key,
        token,
      ) === 1
    )
  }

  snapshot(prefix: string, tag: string): SnapshotEdit | undefined {
    const row = this.get('SELECT prefix, tag, at, items FROM snapshots WHERE prefix = ? AND tag = ?', prefix, tag)
    return row === undefined ? undefined : snapshotOf(row)
  }

  snapshots(): SnapshotEdit[] {
    return this.all('SELECT prefix, tag, at, items FROM snapshots ORDER BY prefix, at').map(snapshotOf)
  }

  events(): (StoredEvent & { n: number })[] {
    return this.all('SELECT id, body, n FROM events ORDER BY n, id') as unknown as (StoredEvent & { n: number })[]
  }

  addEvent({ id, body }: StoredEvent, n: number): void {
    this.run('INSERT OR IGNORE INTO events VALUES (?, ?, ?)', id, n, body)
  }

  dropEvent(id: string): void {
    this.run('DELETE FROM events WHERE id = ?', id)
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#attempt(() => Number(this.#statement(sql).run(...values).changes))
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#attempt(() => this.#statement(sql).get(...values) as Row | undefined)
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#attempt(() => this.#statement(sql).all(...values) as Row[])
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    this.database.close()
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.database.prepare(sql)))
    return statement
  }

  #attempt<T>(step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw indexError(this.path, error)
    }
  }
}
