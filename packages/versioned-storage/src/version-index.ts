import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { ArcError } from '@arc/core'
import { loadSqlite } from '@arc/core/node'
import type { DeleteEdit, Edit, KeyEdit, PutEdit, SnapshotEdit } from './edit.ts'
import type { LogPosition } from './version-log.ts'
import type { StoredEvent } from './store.ts'
import { damagedStore } from './store-error.ts'
import type { VersionRecord } from './version.ts'
import { sqliteCode } from './write-turn.ts'

/** Content as the index keeps it: small ones themselves, of larger ones that they are objects. */
export interface IndexedContent {
  readonly sha: string
  readonly size: number
  readonly encoding: 'zstd' | undefined
  /** As kept, maybe compressed; `undefined` when it is an object. */
  readonly bytes: Uint8Array | undefined
}

/** What the index knows of a key beside its versions. */
export interface KeyRow {
  readonly id: number
  readonly key: string
  readonly nextSeq: number
  readonly token: number
  readonly lockOwner: string | null
  readonly lockToken: number
  readonly lockUntil: number
  /** What the plain file looked like when Arc wrote or read it; `null` when there was none. */
  readonly stamp: string | null
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 0), format INTEGER NOT NULL,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, sum TEXT NOT NULL, n INTEGER NOT NULL, boot TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, nextSeq INTEGER NOT NULL, token INTEGER NOT NULL,
    lockOwner TEXT, lockToken INTEGER NOT NULL, lockUntil REAL NOT NULL, stamp TEXT);
  CREATE TABLE IF NOT EXISTS versions (
    keyId INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL, content INTEGER, facts TEXT,
    PRIMARY KEY (keyId, seq)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS contents (
    id INTEGER PRIMARY KEY, sha TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, encoding TEXT, refs INTEGER NOT NULL, bytes BLOB);
  CREATE TABLE IF NOT EXISTS tags (
    keyId INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (keyId, name)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS snapshots (
    prefix TEXT NOT NULL, tag TEXT NOT NULL, at REAL NOT NULL, items TEXT NOT NULL, PRIMARY KEY (prefix, tag)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, n INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
`
const FORMAT = 1
const KEY_COLUMNS = 'id, key, nextSeq, token, lockOwner, lockToken, lockUntil, stamp'
const VERSION_COLUMNS = 'v.seq AS seq, v.at AS at, v.size AS size, c.sha AS sha, v.facts AS facts'

type Row = Record<string, SQLInputValue>

/** Facts of a version that most do not have, as one JSON column. */
interface Facts {
  origin?: VersionRecord['origin']
  meta?: VersionRecord['metadata']
  hold?: true
  until?: number | undefined
  class?: string | undefined
}

/**
 * The index of a local store: a SQLite database that says quickly what the log says at length. One object is one
 * connection. Writing is for the holder of the write turn, within its transaction.
 */
export class VersionIndex implements Disposable {
  readonly database: DatabaseSync
  readonly #path: string
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, { busyTimeoutMs = 0 }: { busyTimeoutMs?: number } = {}) {
    const { DatabaseSync } = loadSqlite()
    this.#path = path
    this.database = this.#attempt(() => {
      const database = new DatabaseSync(path)
      // The log is what must survive a power cut; with NORMAL the index is never torn, and what it then lacks is read from the log.
      database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000`)
      return database
    })
  }

  /** Make the tables of a new index. Needs the file for itself, once. */
  create(): void {
    this.#attempt(() => this.database.exec(`PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; ${SCHEMA}`))
    this.run(`INSERT OR IGNORE INTO state VALUES (0, ${FORMAT}, 1, 0, '${'0'.repeat(16)}', 0, '')`)
    this.#attempt(() => this.database.exec('PRAGMA busy_timeout = 0'))
    const { format } = this.get('SELECT format FROM state') ?? {}
    if (format !== FORMAT)
      throw new ArcError('ARC_STORE_DAMAGED', `${this.#path} is of format ${String(format)}, which this release cannot read`, {
        hint: 'Install a newer release.',
      })
  }

  /** Changes whenever another connection has committed. */
  get generation(): number {
    return Number(this.get('PRAGMA data_version')?.['data_version'])
  }

  position(): LogPosition & { n: number; boot: string } {
    return this.get('SELECT segment, offset, sum, n, boot FROM state') as unknown as LogPosition & { n: number; boot: string }
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
    return this.all(`SELECT ${KEY_COLUMNS} FROM keys WHERE key ${compare} ? ORDER BY key LIMIT ?`, start, limit) as unknown as KeyRow[]
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
    return new Map(rows.map(({ name, seq }) => [String(name), Number(seq)]))
  }

  content(sha: string): IndexedContent | undefined {
    const row = this.get('SELECT sha, size, encoding, bytes FROM contents WHERE sha = ?', sha)
    return row === undefined ? undefined : contentOf(row)
  }

  *contents(): Generator<IndexedContent & { refs: number }, void, undefined> {
    for (let after = 0; ; ) {
      const rows = this.all('SELECT id, sha, size, encoding, bytes, refs FROM contents WHERE id > ? ORDER BY id LIMIT 200', after)
      for (const row of rows) yield { ...contentOf(row), refs: Number(row['refs']) }
      if (rows.length === 0) return
      after = Number(rows.at(-1)?.['id'])
    }
  }

  /** Take up a content that edits will name. */
  addContent({ sha, size, encoding, bytes }: IndexedContent): void {
    this.run('INSERT OR IGNORE INTO contents (sha, size, encoding, refs, bytes) VALUES (?, ?, ?, 0, ?)', sha, size, encoding ?? null, bytes ?? null)
  }

  setStamp(key: string, stamp: string | null): void {
    this.run('UPDATE keys SET stamp = ? WHERE key = ?', stamp, key)
  }

  /** Prolong the lease of a lock that still has `token`; says whether it had. */
  renewLock(key: string, token: number, untilMs: number): boolean {
    return this.run('UPDATE keys SET lockUntil = ? WHERE key = ? AND lockToken = ? AND lockOwner IS NOT NULL', untilMs, key, token) === 1
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

  /**
   * Do what an edit says. Returns the hash of an object that nothing refers to any longer. Throws `ARC_STORE_DAMAGED` when
   * it names what there is not.
   */
  apply(edit: Edit): string | undefined {
    if (edit.op === 'snapshot')
      this.run('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)', edit.prefix, edit.tag, edit.at, JSON.stringify(edit.items))
    else if (edit.op === 'unsnapshot') this.run('DELETE FROM snapshots WHERE prefix = ? AND tag = ?', edit.prefix, edit.tag)
    else if (edit.op === 'put' || edit.op === 'delete') this.#addVersion(edit)
    else return this.#change(edit)
    return undefined
  }

  #addVersion(edit: PutEdit | DeleteEdit): void {
    const { key, seq, at, origin } = edit
    const keyId = this.#raiseSequence(key, seq + 1, 0)
    const isPut = edit.op === 'put'
    const content = isPut ? this.#refer(edit) : null
    const facts = factsText({ ...(origin && { origin }), ...(isPut && edit.meta && { meta: edit.meta }) })
    this.run('INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)', keyId, seq, at, isPut ? edit.size : 0, content, facts)
  }

  #refer({ sha, key }: PutEdit): number {
    const row = this.get('UPDATE contents SET refs = refs + 1 WHERE sha = ? RETURNING id', sha)
    if (row === undefined) throw damagedStore(this.#path, `the content of a version of ${key} is not there`)
    return Number(row['id'])
  }

  #raiseSequence(key: string, nextSeq: number, token: number): number {
    const row = this.get(
      `INSERT INTO keys (key, nextSeq, token, lockToken, lockUntil) VALUES (?, ?, ?, 0, 0)
       ON CONFLICT (key) DO UPDATE SET nextSeq = max(nextSeq, excluded.nextSeq), token = max(token, excluded.token) RETURNING id`,
      key,
      nextSeq,
      token,
    )
    return Number(row?.['id'])
  }

  #change(edit: Exclude<KeyEdit, PutEdit | DeleteEdit>): string | undefined {
    const keyId = this.#raiseSequence(edit.key, edit.op === 'sequence' ? edit.next : 1, edit.op === 'sequence' || edit.op === 'lock' ? edit.token : 0)
    switch (edit.op) {
      case 'drop':
        return this.#drop(keyId, edit.seq)
      case 'tag':
        this.run('INSERT OR REPLACE INTO tags VALUES (?, ?, ?)', keyId, edit.name, edit.seq)
        break
      case 'untag':
        this.run('DELETE FROM tags WHERE keyId = ? AND name = ?', keyId, edit.name)
        break
      case 'annotate':
        this.#setFacts(keyId, edit.seq, { meta: Object.keys(edit.meta).length === 0 ? undefined : edit.meta })
        break
      case 'protect':
        this.#setFacts(keyId, edit.seq, { hold: edit.hold ? true : undefined, until: edit.until, class: edit.class })
        break
      case 'lock':
        this.run('UPDATE keys SET lockOwner = ?, lockToken = ?, lockUntil = ? WHERE id = ?', edit.owner, edit.token, edit.until, keyId)
        break
      case 'unlock':
        this.run('UPDATE keys SET lockOwner = NULL WHERE id = ? AND lockToken = ?', keyId, edit.token)
        break
      case 'sequence':
        break
    }
    return undefined
  }

  #drop(keyId: number, seq: number): string | undefined {
    const row = this.get('DELETE FROM versions WHERE keyId = ? AND seq = ? RETURNING content', keyId, seq)
    this.run('DELETE FROM tags WHERE keyId = ? AND seq = ?', keyId, seq)
    const content = row?.['content']
    if (content === undefined || content === null) return undefined
    const left = this.get('UPDATE contents SET refs = refs - 1 WHERE id = ? RETURNING refs, sha, bytes IS NULL AS isObject', content)
    if (left === undefined || Number(left['refs']) > 0) return undefined
    this.run('DELETE FROM contents WHERE id = ?', content)
    return Number(left['isObject']) === 1 ? String(left['sha']) : undefined
  }

  #setFacts(keyId: number, seq: number, change: { [Name in keyof Facts]: Facts[Name] | undefined }): void {
    const row = this.get('SELECT facts FROM versions WHERE keyId = ? AND seq = ?', keyId, seq)
    const facts = { ...parseFacts(row?.['facts']), ...change }
    this.run('UPDATE versions SET facts = ? WHERE keyId = ? AND seq = ?', factsText(facts as Facts), keyId, seq)
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
      throw indexError(this.#path, error)
    }
  }
}

const SQLITE_CORRUPT = 11
const SQLITE_NOT_A_DATABASE = 26

function indexError(path: string, error: unknown): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (code === SQLITE_CORRUPT || code === SQLITE_NOT_A_DATABASE) return damagedStore(path, reason, error)
  return new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot use ${path}: ${reason}`, { path, cause: error })
}

function versionOf({ seq, at, size, sha, facts }: Row): VersionRecord {
  const record = {
    seq: Number(seq),
    atMs: Number(at),
    sha256: sha === null ? undefined : (sha as string),
    sizeBytes: Number(size),
  }
  if (facts === null) return record
  const { origin, meta, hold, until, class: storageClass } = parseFacts(facts)
  return { ...record, origin, metadata: meta, legalHold: hold, retainUntilMs: until, storageClass }
}

function contentOf({ sha, size, encoding, bytes }: Row): IndexedContent {
  return {
    sha: String(sha),
    size: Number(size),
    encoding: encoding === 'zstd' ? 'zstd' : undefined,
    bytes: bytes === null ? undefined : (bytes as Uint8Array),
  }
}

function snapshotOf({ prefix, tag, at, items }: Row): SnapshotEdit {
  const parsed = JSON.parse(String(items)) as [string, number][]
  return { op: 'snapshot', prefix: String(prefix), tag: String(tag), at: Number(at), items: parsed }
}

function parseFacts(text: unknown): Facts {
  return typeof text === 'string' ? (JSON.parse(text) as Facts) : {}
}

function factsText(facts: Facts): string | null {
  const text = JSON.stringify(facts)
  return text === '{}' ? null : text
}
