import type { SQLInputValue } from 'node:sqlite'
import type { SnapshotEdit } from './edit.ts'
import type { VersionRecord } from './version.ts'

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

/** The tables. */
export const INDEX_SCHEMA: string = `
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

export type Row = Record<string, SQLInputValue>

/** Facts of a version that most do not have, as one JSON column. */
export interface Facts {
  origin?: VersionRecord['origin']
  meta?: VersionRecord['metadata']
  hold?: true
  until?: number | undefined
  class?: string | undefined
}

export function versionOf({ seq, at, size, sha, facts }: Row): VersionRecord {
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

export function contentOf({ sha, size, encoding, bytes }: Row): IndexedContent {
  return {
    sha: sha as string,
    size: Number(size),
    encoding: encoding === 'zstd' ? 'zstd' : undefined,
    bytes: bytes === null ? undefined : (bytes as Uint8Array),
  }
}

export function snapshotOf({ prefix, tag, at, items }: Row): SnapshotEdit {
  const parsed = JSON.parse(items as string) as [string, number][]
  return { op: 'snapshot', prefix: prefix as string, tag: tag as string, at: Number(at), items: parsed }
}

export function parseFacts(text: unknown): Facts {
  return typeof text === 'string' ? (JSON.parse(text) as Facts) : {}
}

export function factsText(facts: Facts): string | null {
  const text = JSON.stringify(facts)
  return text === '{}' ? null : text
}
