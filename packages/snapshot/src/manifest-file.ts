import type { Entry, EntryPath, EntryType } from '@arc/core'
import { assertSafePath, isOwnerId } from '@arc/core'
import { type PlainAttributes, plainAttributes } from '@arc/core/node'
import * as z from 'zod/mini'
import { damaged } from './problems.ts'

/** What a folder of snapshots remembers of an entry: what a disk forgets or rounds, and a hash to hold its bytes against. */
export interface ManifestRow {
  readonly path: EntryPath
  readonly type: EntryType
  readonly mode: number
  readonly sizeBytes: number
  /** Decimal nanoseconds. */
  readonly mtimeNs?: string | undefined
  readonly target?: EntryPath | undefined
  readonly sha256?: string | undefined
  /** Path of the first name of the same inode. */
  readonly hardLink?: EntryPath | undefined
  /** Owner, extended attributes and holes, as far as the source told. */
  readonly attributes?: PlainAttributes | undefined
}

const entryPath = z.custom<EntryPath>((value) => typeof value === 'string' && value.length <= 100_000)
const ownerId = z.int().check(z.refine(isOwnerId))
const attributesSchema = z.strictObject({
  owner: z.optional(
    z.strictObject({
      uid: ownerId,
      gid: ownerId,
      userName: z.optional(z.string()),
      groupName: z.optional(z.string()),
    }),
  ),
  xattrs: z.optional(z.array(z.tuple([entryPath, z.base64()]))),
  isSparse: z.optional(z.boolean()),
})
const rowSchema = z.strictObject({
  path: entryPath,
  type: z.enum(['file', 'directory', 'symlink']),
  mode: z.int().check(z.gte(0), z.lte(0o7777)),
  sizeBytes: z.int().check(z.gte(0)),
  mtimeNs: z.optional(z.string().check(z.regex(/^-?\d{1,20}$/))),
  target: z.optional(entryPath),
  sha256: z.optional(z.string().check(z.regex(/^[0-9a-f]{64}$/))),
  hardLink: z.optional(entryPath),
  attributes: z.optional(attributesSchema),
})

/** One line for each row. */
export function encodeManifest(rows: readonly ManifestRow[]): Buffer {
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

/** What {@link encodeManifest} made. Throws `ARC_VAULT_DAMAGED`, and `ARC_PATH_UNSAFE` for a path that leads out of the snapshot. */
export function decodeManifest(bytes: Buffer, object: string): ManifestRow[] {
  const rows: ManifestRow[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0) throw damaged(object, 'its last line is cut off')
    let value: unknown
    try {
      value = JSON.parse(bytes.toString('utf8', start, end))
    } catch (error) {
      throw damaged(object, `line ${rows.length + 1} is no JSON text`, error)
    }
    const found = rowSchema.safeParse(value)
    if (!found.success) throw damaged(object, `line ${rows.length + 1}: ${z.prettifyError(found.error)}`)
    assertSafePath(found.data.path)
    rows.push(found.data)
    start = end + 1
  }
  return rows
}

/** The row of an entry whose content has this hash. */
export function manifestRow(entry: Entry, sizeBytes: number, sha256: string | undefined): ManifestRow {
  const { path, type, mode, mtimeNs, target, attributes } = entry
  const row = { path, type, mode, sizeBytes, mtimeNs: mtimeNs?.toString(), target, sha256 }
  return attributes === undefined ? row : { ...row, attributes: plainAttributes(attributes) }
}
