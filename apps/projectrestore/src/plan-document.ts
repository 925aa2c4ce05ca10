import { readFileSync } from 'node:fs'
import { ArcError, systemCallError } from '@arc/core'
import { parsePlan, type RestorePlan } from '@arc/restore-safe'
import * as z from 'zod/mini'

/** A plan as it is written down: what to restore, from where, and how to know that both are still the same. */
export interface PlanDocument {
  readonly arcRestorePlan: 1
  /** ISO 8601. */
  readonly plannedAt: string
  /** Absolute, or the id of a snapshot, or `-`. */
  readonly source: string
  readonly only: readonly string[]
  readonly strip: number
  readonly partial: boolean
  /** SHA-256 over the chosen entries of the source, without their content; that is named by hash in the plan's rows. */
  readonly sourceFingerprint: string
  readonly plan: RestorePlan
}

const documentSchema = z.strictObject({
  arcRestorePlan: z.literal(1),
  plannedAt: z.string(),
  source: z.string().check(z.minLength(1)),
  only: z.array(z.string()),
  strip: z.int().check(z.gte(0), z.lte(1024)),
  partial: z.boolean(),
  sourceFingerprint: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  plan: z.unknown(),
})

/** Read the plan at `path`. Throws `ARC_PLAN_INVALID` for what is none, or one that no restore may carry out. */
export function readPlanDocument(path: string, shown: string): PlanDocument {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw systemCallError(error, 'read the plan', shown)
  }
  const parsed = documentSchema.safeParse(parseJson(text, shown))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(shown, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is no plan'}`, parsed.error)
  }
  return { ...parsed.data, plan: parsePlan(parsed.data.plan) }
}

function parseJson(text: string, shown: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(shown, 'it is no JSON', error)
  }
}

function invalid(shown: string, why: string, cause: unknown): ArcError {
  return new ArcError('ARC_PLAN_INVALID', `${shown} is no restore plan: ${why}`, {
    path: shown,
    cause,
    hint: 'Make one with `projectrestore plan SOURCE -o plan.json`.',
  })
}
