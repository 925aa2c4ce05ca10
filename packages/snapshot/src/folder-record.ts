import * as z from 'zod/mini'
import type { EntryPath, Omission } from '@arc/core'
import type { ManifestRow } from './manifest-file.ts'
import type { SnapshotInfo, SnapshotStatistics, TakenSnapshot } from './snapshot-info.ts'
import { parseJson } from './parse-json.ts'
import { permissions } from './record.ts'
import { selectionSchema } from './snapshot-selection.ts'

const count = z.int().check(z.gte(0))

const recordSchema = z.strictObject({
  format: z.literal('arc-snapshot-folder'),
  version: z.literal(1),
  mode: z.enum(['copy', 'link', 'archive']),
  name: z.string().check(z.regex(/^[^/\0]+$/), z.maxLength(255)),
  manifest: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  archive: z.optional(
    z.strictObject({
      sizeBytes: count,
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      contents: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
  rootMode: z.optional(permissions),
  snapshot: z.strictObject({
    id: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
    sequence: count,
    time: z.string(),
    project: z.string(),
    host: z.string(),
    path: z.optional(z.string()),
    note: z.optional(z.string()),
    tags: z.array(z.string()),
    git: z.optional(
      z.strictObject({
        branch: z.optional(z.string()),
        commit: z.optional(z.string()),
        dirty: z.optional(z.boolean()),
      }),
    ),
    root: z.optional(z.string()),
    statistics: z.strictObject({
      files: count,
      directories: count,
      symlinks: count,
      contentBytes: count,
      unchangedFiles: count,
      newBytes: count,
      storedBytes: count,
    }),
    omissions: z.array(z.custom<SnapshotInfo['omissions'][number]>((value) => typeof value === 'object')),
    omissionCount: count,
    inconsistent: z.array(z.custom<EntryPath>((value) => typeof value === 'string')),
    selection: z.optional(selectionSchema),
  }),
})

/** The sidecar of a snapshot in a folder: while it is there, so is the snapshot. */
export interface FolderRecord {
  readonly format: 'arc-snapshot-folder'
  readonly version: 1
  readonly mode: 'copy' | 'link' | 'archive'
  /** The tree or archive beside this file. */
  readonly name: string
  /** SHA-256 of the manifest beside this file. */
  readonly manifest: string
  /** Of an archive: its bytes, and the SHA-256 of the sums of its contents, which lie beside it. */
  readonly archive?: { readonly sizeBytes: number; readonly sha256: string; readonly contents: string } | undefined
  /** Permission bits of the project's own folder, where its source knew them. */
  readonly rootMode?: number | undefined
  readonly snapshot: TakenSnapshot
}

/** A tree or archive that was written, and what its record and manifest will say of it. */
export interface TakenTree {
  readonly rows: readonly ManifestRow[]
  readonly statistics: SnapshotStatistics
  readonly omissions: readonly Omission[]
  readonly inconsistent: EntryPath[]
  readonly archive?: FolderRecord['archive']
}

export const RECORD_SUFFIX = '.snapshot.json'
export const MANIFEST_SUFFIX = '.manifest.jsonl'

/** Throws `ARC_VAULT_DAMAGED`. */
export function decodeFolderRecord(bytes: Buffer, object: string): FolderRecord {
  return parseJson(bytes, recordSchema, object)
}

export function encodeFolderRecord(record: FolderRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`)
}

/** The part of the name that a record, its manifest and its tree or archive share. */
export function baseName({ snapshot }: { readonly snapshot: Pick<SnapshotInfo, 'id' | 'time'> }): string {
  return `${snapshot.time.replaceAll(':', '-')}-${snapshot.id.slice(0, 8)}`
}
