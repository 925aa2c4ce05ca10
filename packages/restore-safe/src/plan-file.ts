import { isAbsolute } from 'node:path'
import {
  ArcError,
  type ArcErrorCode,
  assertSafePath,
  encodePath,
  type EntryPath,
  ERROR_EXIT_STATUS,
  type Limits,
} from '@arc/core'
import * as z from 'zod/mini'
import type { RestorePlan } from './plan.ts'

const count = z.int().check(z.gte(0))
const entryPath = z.string().check(z.minLength(1), z.maxLength(64 * 1024))
const mode = z.int().check(z.gte(0), z.lte(0o7777))
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const reasons = [
  'type',
  'size',
  'content',
  'link-target',
  'mode',
  'mtime',
  'owner',
  'xattrs',
  'implied',
  'not-in-source',
] as const

const row = z.strictObject({
  path: entryPath,
  action: z.enum(['add', 'change', 'remove', 'keep']),
  type: z.enum(['file', 'directory', 'symlink', 'special']),
  sizeBytes: count,
  mode,
  reason: z.optional(z.enum(reasons)),
  sha256: z.optional(sha256),
})

/** What `completeLimits` takes. JSON has no `Infinity`, and writes null for it. */
const limit = z.pipe(
  z.nullable(z.number().check(z.gte(0))),
  z.transform((value) => value ?? Infinity),
)
const limits = z.strictObject({
  maxEntries: limit,
  maxFileBytes: limit,
  maxTotalBytes: limit,
  maxRatio: limit,
  maxDepth: limit,
  maxNameBytes: limit,
  maxPathBytes: limit,
  maxTotalPathLength: limit,
  maxTargetBytes: limit,
  maxMetadataBytes: limit,
})

const conflict = z.strictObject({
  path: z.optional(z.string()),
  code: z.enum(Object.keys(ERROR_EXIT_STATUS) as ArcErrorCode[]),
  message: z.string(),
  hint: z.optional(z.string()),
})

const asked = z.optional(z.boolean())

const planSchema = z.strictObject({
  schemaVersion: z.literal(1),
  target: z.string().check(z.refine(isAbsolute, 'must be an absolute path')),
  mode: z.enum(['new', 'replace', 'merge']),
  selective: z.boolean(),
  links: z.enum(['inside', 'keep', 'refuse']),
  setId: z.boolean(),
  portable: z.boolean(),
  owners: asked,
  numericIds: asked,
  xattrs: asked,
  privilegedXattrs: asked,
  sparse: asked,
  limits,
  rows: z.array(row),
  totals: z.strictObject({
    added: count,
    changed: count,
    removed: count,
    kept: count,
    sourceBytes: count,
    keptBytes: count,
    removedBytes: count,
  }),
  space: z.strictObject({ neededBytes: count, availableBytes: count }),
  conflicts: z.array(conflict),
  outwardLinks: z.array(z.strictObject({ path: entryPath, target: entryPath })),
  droppedSetId: z.array(entryPath),
  omissions: z.array(z.strictObject({ path: z.string(), reason: z.string(), detail: z.optional(z.string()) })),
  targetFingerprint: z.string().check(z.regex(/^(?:missing|empty|[0-9a-f]{64})$/)),
})

const COUNTED = { add: 'added', change: 'changed', remove: 'removed', keep: 'kept' } as const

/**
 * A plan that comes from outside this program, checked: its shape, that every path is one that a restore may touch, each
 * once, and that its totals are those of its rows, so that what a person is asked about is what will be done. Throws
 * `ARC_PLAN_INVALID`.
 */
export function parsePlan(value: unknown): RestorePlan {
  const parsed = planSchema.safeParse(value)
  if (!parsed.success) throw invalid(firstIssue(parsed.error), parsed.error)
  const plan = parsed.data as unknown as RestorePlan
  const seen = new Set<EntryPath>()
  const counts = { added: 0, changed: 0, removed: 0, kept: 0 }
  for (const { path, action } of plan.rows) {
    if (seen.has(path)) throw invalid('rows: one path stands there twice')
    seen.add(path)
    checkPath(path, action === 'remove' ? ANY_LENGTH : plan.limits)
    counts[COUNTED[action]]++
  }
  for (const each of Object.values(COUNTED)) {
    if (counts[each] !== plan.totals[each]) throw invalid(`totals.${each}: its rows say ${counts[each]}`)
  }
  return plan
}

// What is there already may be longer than what may come.
const ANY_LENGTH = { maxDepth: Infinity, maxNameBytes: Infinity, maxPathBytes: Infinity }

function checkPath(path: EntryPath, bounds: Pick<Limits, keyof typeof ANY_LENGTH>): void {
  try {
    encodePath(path)
    assertSafePath(path, { limits: bounds })
  } catch (error) {
    throw invalid(`rows: ${error instanceof Error ? error.message : 'a path is unsafe'}`, error)
  }
}

/** The schema's own words, without the locale files that would translate them. */
function firstIssue(error: z.core.$ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'it is no plan'
  const place = issue.path.map(String).join('.')
  return `${place === '' ? 'the plan' : place}: ${issue.message}`
}

function invalid(why: string, cause?: unknown): ArcError {
  return new ArcError('ARC_PLAN_INVALID', `this is no restore plan that could be carried out: ${why}`, {
    hint: 'Make the plan anew; a plan is not meant to be edited.',
    cause,
  })
}
