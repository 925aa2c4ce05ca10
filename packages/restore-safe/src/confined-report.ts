import { ArcError, type EntryPath, MAX_OWNER_ID, type Omission } from '@arc/core'
import type { PlainAttributes } from '@arc/core/node'
import * as z from 'zod/mini'

/** A folder as its process wants it, which could not set a folder's time before it had filled it. */
export interface ConfinedFolder {
  readonly path: EntryPath
  readonly mode: number
  /** Nanoseconds since 1970, in decimal digits. */
  readonly mtimeNs?: string | undefined
  readonly attributes?: PlainAttributes | undefined
}

/** A symlink that the process could not make. */
interface ConfinedLink {
  readonly path: EntryPath
  readonly target: EntryPath
  readonly mtimeNs?: string | undefined
  readonly attributes?: PlainAttributes | undefined
}

/** What a confined process says about the tree it has left: plain data, and nothing that is believed unseen. */
export interface ConfinedReport {
  readonly name: string
  readonly rootMode?: number | undefined
  readonly folders: readonly ConfinedFolder[]
  readonly links: readonly ConfinedLink[]
  readonly hardLinks: number
  readonly verifiedFiles: number
  readonly droppedSetId: readonly EntryPath[]
  readonly omissions: readonly Omission[]
  /** Chosen paths that programs obey or run unasked. */
  readonly unasked: readonly EntryPath[]
}

const MAX_NAME_LENGTH = 1024
const path = z.string().check(z.minLength(1), z.maxLength(64 * 1024))
const nanoseconds = z.optional(z.string().check(z.regex(/^-?\d{1,30}$/)))
const count = z.int().check(z.gte(0))
const mode = z.int().check(z.gte(0), z.lte(0o7777))
const ownerId = z.int().check(z.gte(0), z.lte(MAX_OWNER_ID))

/** Owner and extended attributes as a confined process tells them. */
export const plainAttributesSchema: z.ZodMiniType = z.strictObject({
  owner: z.optional(
    z.strictObject({ uid: ownerId, gid: ownerId, userName: z.optional(z.string()), groupName: z.optional(z.string()) }),
  ),
  xattrs: z.optional(z.array(z.tuple([z.string(), z.base64()]))),
})

const attributes = z.optional(plainAttributesSchema)

const reportSchema = z.strictObject({
  name: z.string().check(z.maxLength(MAX_NAME_LENGTH)),
  rootMode: z.optional(mode),
  folders: z.array(z.strictObject({ path, mode, mtimeNs: nanoseconds, attributes })),
  links: z.array(z.strictObject({ path, target: path, mtimeNs: nanoseconds, attributes })),
  hardLinks: count,
  verifiedFiles: count,
  droppedSetId: z.array(path),
  omissions: z.array(z.strictObject({ path, reason: z.string(), detail: z.optional(z.string()) })),
  unasked: z.array(path),
})

/** A report, checked for its shape. Throws `ARC_CONFINEMENT_BROKEN`. */
export function parseConfinedReport(value: unknown): ConfinedReport {
  const parsed = reportSchema.safeParse(value)
  if (parsed.success) return parsed.data as unknown as ConfinedReport
  const [issue] = parsed.error.issues
  throw confinementBroken(
    `its report makes no sense (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`,
    parsed.error,
  )
}

/** Refusal of what a confined process has left. */
export function confinementBroken(why: string, cause?: unknown): ArcError {
  return new ArcError('ARC_CONFINEMENT_BROKEN', `the confined process cannot be believed: ${why}`, {
    hint: 'Nothing was changed. Do not trust the source; report it, for it may have found a hole.',
    cause,
  })
}
