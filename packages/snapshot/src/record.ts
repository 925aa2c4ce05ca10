import { ArcError, type EntryPath, type GitState, type Omission, type OmissionReason } from '@arc/core'
import * as z from 'zod/mini'
import { damaged } from './problems.ts'
import { type RunFacts, runSchema } from './run-facts.ts'
import type { SnapshotStatistics } from './snapshot-info.ts'
import { selectionSchema, type SnapshotSelection } from './snapshot-selection.ts'
import { parseJson } from './parse-json.ts'

/** No record is larger; what could grow without bound (omissions) is capped when it is written. */
export const MAX_RECORD_BYTES: number = 8 * 1024 * 1024
/** What is left of that beside a signature and a seal. */
const MAX_MESSAGE_BYTES = MAX_RECORD_BYTES - 64 * 1024
/** Omissions and inconsistent files named in a record. */
export const MAX_LISTED = 1000

const MAX_PATH_LENGTH = 100_000
const OMISSION_REASONS = [
  'unreadable',
  'vanished',
  'changed',
  'special-file',
  'link-loop',
  'submodule',
  'nested-repository',
  'deleted',
  'binary',
  'filtered',
  'own-output',
] as const satisfies readonly OmissionReason[]

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const count = z.int().check(z.gte(0))
const text = (length: number): z.ZodMiniString => z.string().check(z.maxLength(length))

const common = {
  sequence: z.int().check(z.gte(1)),
  previous: z.array(hash).check(z.maxLength(1000)),
  time: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)),
}

const statistics = z.strictObject({
  files: count,
  directories: count,
  symlinks: count,
  contentBytes: count,
  unchangedFiles: count,
  newBytes: count,
  storedBytes: count,
})

/** What a record says of a path that was left out. */
export const omissionSchema: z.ZodMiniType<Omission> = z.strictObject({
  path: z.custom<EntryPath>((value) => typeof value === 'string' && value.length <= MAX_PATH_LENGTH),
  reason: z.enum(OMISSION_REASONS),
  detail: z.optional(text(10_000)),
})

/** Permission bits. */
export const permissions: z.ZodMiniType<number> = z.int().check(z.gte(0), z.lte(0o7777))

const snapshotSchema = z.strictObject({
  kind: z.literal('snapshot'),
  ...common,
  generation: count,
  root: z.strictObject({
    sizeBytes: count,
    depth: z.optional(z.int().check(z.gte(0), z.lte(3))),
    id: z.optional(hash),
  }),
  project: text(1000),
  host: text(1000),
  path: z.optional(text(100_000)),
  note: z.optional(text(100_000)),
  tags: z.array(text(1000)).check(z.maxLength(1000)),
  git: z.optional(
    z.strictObject({
      branch: z.optional(text(1000)),
      commit: z.optional(text(1000)),
      dirty: z.optional(z.boolean()),
    }),
  ),
  statistics,
  omissions: z.array(omissionSchema).check(z.maxLength(MAX_LISTED)),
  omissionCount: count,
  inconsistent: z.array(text(100_000)).check(z.maxLength(MAX_LISTED)),
  rootMode: z.optional(permissions),
  origin: z.optional(z.strictObject({ vault: text(100), snapshot: hash })),
  run: z.optional(runSchema),
  selection: z.optional(selectionSchema),
})

const tombstoneSchema = z.strictObject({
  kind: z.literal('forget'),
  ...common,
  previous: z.array(hash).check(z.maxLength(100_000)),
  snapshots: z.array(hash).check(z.maxLength(100_000)),
  notes: z.optional(z.array(hash).check(z.maxLength(100_000))),
  reason: z.optional(text(100_000)),
})

const tagSchema = z.strictObject({
  kind: z.literal('tag'),
  ...common,
  snapshot: hash,
  add: z.array(text(1000)).check(z.maxLength(1000)),
  remove: z.array(text(1000)).check(z.maxLength(1000)),
})

const recordSchema = z.discriminatedUnion('kind', [snapshotSchema, tombstoneSchema, tagSchema])

/** What every record has. */
interface CommonRecord {
  readonly sequence: number
  /**
   * Hashes of the records that were the newest when this one was written: one, or several after concurrent writers. Those of a
   * tombstone are also what the records followed that are gone by it.
   */
  readonly previous: readonly string[]
  readonly time: string
}

export interface SnapshotRecord extends CommonRecord {
  readonly kind: 'snapshot'
  /** Of the last pruning that its writer took into account. */
  readonly generation: number
  /** Of an empty tree only the size, 0. */
  readonly root: { readonly sizeBytes: number; readonly depth?: number | undefined; readonly id?: string | undefined }
  readonly project: string
  readonly host: string
  readonly path?: string | undefined
  readonly note?: string | undefined
  readonly tags: readonly string[]
  readonly git?: GitState | undefined
  readonly statistics: SnapshotStatistics
  readonly omissions: readonly Omission[]
  readonly omissionCount: number
  readonly inconsistent: readonly string[]
  /** Permission bits of the project's own folder, where its source knew them. */
  readonly rootMode?: number | undefined
  /** Where it was copied from. */
  readonly origin?: { readonly vault: string; readonly snapshot: string } | undefined
  /** What was run since the snapshot that it names. */
  readonly run?: RunFacts | undefined
  /** What of the project it was to hold. */
  readonly selection?: SnapshotSelection | undefined
}

export interface TombstoneRecord extends CommonRecord {
  readonly kind: 'forget'
  /** Hashes of the records of the snapshots that are forgotten. */
  readonly snapshots: readonly string[]
  /** Hashes of other records, which a repair gave up. */
  readonly notes?: readonly string[] | undefined
  readonly reason?: string | undefined
}

interface TagRecord extends CommonRecord {
  readonly kind: 'tag'
  readonly snapshot: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

export type LogRecord = SnapshotRecord | TombstoneRecord | TagRecord

/** A record and who signed it. */
export interface SignedRecord<R extends LogRecord = LogRecord> {
  readonly record: R
  /** The text of a minisign signature over {@link message}. */
  readonly signature: string | undefined
  /** The bytes that are signed. */
  readonly message: Uint8Array
}

/**
 * A record's plaintext: one line of JSON, then the signature over that line, LF included, if there is one. Throws
 * `ARC_LIMIT_EXCEEDED` for what {@link decodeRecord} would refuse: with one such record nobody could list a vault any more.
 */
export function encodeRecord(record: LogRecord, sign: ((message: Uint8Array) => string) | undefined): Buffer {
  const line = JSON.stringify(record)
  const message = Buffer.from(`${line}\n`)
  const found = recordSchema.safeParse(JSON.parse(line))
  if (!found.success) throw unrecordable(z.prettifyError(found.error))
  if (message.length > MAX_MESSAGE_BYTES) throw unrecordable(`it has more than ${MAX_MESSAGE_BYTES} bytes`)
  return sign === undefined ? message : Buffer.concat([message, Buffer.from(sign(message))])
}

function unrecordable(why: string): ArcError {
  return new ArcError('ARC_LIMIT_EXCEEDED', `the record of a snapshot cannot be written: ${why}`, {
    hint: 'Use a shorter note, name or tag, or fewer of them.',
  })
}

const LF = 0x0a

/** What {@link encodeRecord} made. Throws `ARC_VAULT_DAMAGED`. */
export function decodeRecord(bytes: Buffer, object: string): SignedRecord {
  const end = bytes.indexOf(LF) + 1
  if (end === 0) throw damaged(object, 'it has no line')
  const message = bytes.subarray(0, end)
  const record = parseJson(message, recordSchema, object)
  return { record, message, signature: end === bytes.length ? undefined : bytes.toString('utf8', end) }
}
