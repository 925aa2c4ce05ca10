import * as z from 'zod/mini'
import type { Edit } from './edit.ts'
import { parseEdit } from './edit-schema.ts'
import type { Manifest } from './manifest.ts'
import type { Snapshot } from './store.ts'
import { VERSION_ORIGINS } from './version.ts'

const seq = z.int().check(z.positive())
const count = z.int().check(z.nonnegative())
const event = z.object({ id: z.string(), body: z.string() })

const manifestSchema = z.object({
  format: z.enum(['arc-versions/1', 'arc-native/1']),
  key: z.string(),
  nextSeq: seq,
  token: count,
  lock: z.optional(z.object({ token: seq, owner: z.string(), untilMs: z.number() })),
  versions: z.array(
    z.object({
      seq,
      atMs: z.number(),
      sha256: z.optional(z.string().check(z.regex(/^[0-9a-f]{64}$/))),
      sizeBytes: count,
      origin: z.optional(z.enum(VERSION_ORIGINS)),
      metadata: z.optional(z.record(z.string(), z.json())),
      legalHold: z.optional(z.boolean()),
      retainUntilMs: z.optional(z.number()),
      storageClass: z.optional(z.string()),
      backendVersion: z.optional(z.string()),
    }),
  ),
  tags: z.array(z.tuple([z.string(), seq])),
  events: z.optional(z.array(event)),
  removing: z.optional(z.array(z.string())),
  changes: z.array(z.string()),
})

const snapshotSchema = z.object({
  format: z.literal('arc-snapshot/1'),
  prefix: z.string(),
  tag: z.string(),
  atMs: z.number(),
  items: z.array(z.tuple([z.string(), seq])),
})

const journalSchema = z.object({
  format: z.literal('arc-journal/1'),
  id: z.string(),
  edits: z.array(z.unknown()),
  events: z.array(event),
})

/** Check what was read as a manifest; `undefined` when it is none. */
export function parseManifest(value: unknown): Manifest | undefined {
  const result = manifestSchema.safeParse(value)
  if (!result.success) return undefined
  return result.data as Manifest
}

export function parseSnapshot(value: unknown): Snapshot | undefined {
  const result = snapshotSchema.safeParse(value)
  return result.success ? result.data : undefined
}

/** A change of many keys that is under way. */
export interface JournalEntry {
  readonly format: 'arc-journal/1'
  readonly id: string
  readonly edits: readonly Edit[]
  readonly events: readonly { readonly id: string; readonly body: string }[]
}

export function parseJournalEntry(value: unknown): JournalEntry | undefined {
  const result = journalSchema.safeParse(value)
  if (!result.success) return undefined
  const edits = result.data.edits.map(parseEdit)
  return edits.includes(undefined) ? undefined : { ...result.data, edits: edits as Edit[] }
}
