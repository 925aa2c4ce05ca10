import type { Metadata } from './json.ts'

/**
 * One state of a key as a store records it. Versions of a key are ordered by `seq`, which the store gives out under its
 * lock and never gives out twice; clocks decide nothing but `asOf` and retention by age.
 */
export interface VersionRecord {
  readonly seq: number
  readonly atMs: number
  /** Of the content in lower-case hex; `undefined` for a delete marker. */
  readonly sha256: string | undefined
  readonly sizeBytes: number
  readonly origin?: VersionOrigin | undefined
  readonly metadata?: Metadata | undefined
  readonly legalHold?: boolean | undefined
  readonly retainUntilMs?: number | undefined
  readonly storageClass?: string | undefined
  /** What the service itself calls this version, where it keeps the content as one of its own. */
  readonly backendVersion?: string | undefined
}

export const VERSION_ORIGINS = ['external', 'rollback', 'restore', 'copy'] as const

/**
 * How a version came to be, when not by a plain write: `external` found by Arc after another program had written it,
 * `rollback` and `restore` brought back, `copy` taken over from another node.
 */
export type VersionOrigin = (typeof VERSION_ORIGINS)[number]

/** One past or present state of a node. */
export interface VersionInfo {
  /** Path within the mount. */
  readonly key: string
  /** Names this version for ever: `<seq>-<first eight digits of the SHA-256>`, or `<seq>-deleted`. */
  readonly id: string
  readonly seq: number
  readonly isLatest: boolean
  /** The node was deleted at this moment; there is no content. */
  readonly isDeleteMarker: boolean
  readonly sizeBytes: number
  /** When it was recorded. */
  readonly modified: Date
  /** Of the content in lower-case hex; `undefined` for a delete marker. */
  readonly sha256: string | undefined
  readonly origin: VersionOrigin | 'write'
  readonly tags: readonly string[]
  readonly metadata: Metadata
  readonly legalHold: boolean
  readonly retainUntil: Date | undefined
  readonly storageClass: string | undefined
  /** What the service itself calls this version, where it is one of the service's own. */
  readonly backendVersion?: string | undefined
}

/**
 * A version by place or id, or what the service calls it. `-1` is the latest, `-2` the one before, `0` the oldest. Delete markers are not counted: they
 * are no states that could be read.
 */
export type VersionReference = number | string

/** Which version is meant. At most one of the three; none of them means the present state. */
export interface VersionSelector {
  version?: VersionReference | undefined
  tag?: string | undefined
  /** The state at that moment; `ARC_VERSION_NOT_FOUND` when there was none, or the node was deleted then. */
  asOf?: Date | undefined
}

const NO_METADATA: Metadata = Object.freeze({})
const NO_TAGS: readonly string[] = Object.freeze([])

/** The name of a version for ever. */
export function versionId({ seq, sha256 }: Pick<VersionRecord, 'seq' | 'sha256'>): string {
  return `${seq}-${sha256 === undefined ? 'deleted' : sha256.slice(0, 8)}`
}

/** What people see of a record. */
export function versionInfo(
  key: string,
  record: VersionRecord,
  isLatest: boolean,
  tags: readonly string[] = NO_TAGS,
): VersionInfo {
  const { seq, sha256, sizeBytes, atMs, retainUntilMs, backendVersion } = record
  const info: VersionInfo = {
    key,
    id: versionId(record),
    seq,
    isLatest,
    isDeleteMarker: sha256 === undefined,
    sizeBytes,
    modified: new Date(atMs),
    sha256,
    origin: record.origin ?? 'write',
    tags,
    metadata: record.metadata ?? NO_METADATA,
    legalHold: record.legalHold ?? false,
    retainUntil: retainUntilMs === undefined ? undefined : new Date(retainUntilMs),
    storageClass: record.storageClass,
  }
  return backendVersion === undefined ? info : { ...info, backendVersion }
}

/** The same version under another key: what a mount of a part of another one calls it. */
export function withKey(version: VersionInfo, key: string): VersionInfo {
  return { ...version, key }
}
