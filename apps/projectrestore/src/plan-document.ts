import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import type { Host } from '@arc/kit'
import { parsePlan, type RestorePlan } from '@arc/restore-safe'
import * as z from 'zod/mini'

/** A plan as it is written down: what to restore, from where, and how to know that both are still the same. */
export interface PlanDocument {
  readonly arcRestorePlan: 1
  /** ISO 8601. */
  readonly plannedAt: string
  /** Absolute, or the id of a snapshot, a URL without password and query, or `-`. */
  readonly source: string
  /** The URL had a password or a query, which are not written down: whoever applies the plan must name it. */
  readonly isSourceCut: boolean
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
  isSourceCut: z.boolean(),
  only: z.array(z.string()),
  strip: z.int().check(z.gte(0), z.lte(1024)),
  partial: z.boolean(),
  sourceFingerprint: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  plan: z.unknown(),
})

/** Read the plan that an argument names. Throws `ARC_PLAN_INVALID` for what is none, or one that no restore may carry out. */
export async function readPlanDocument(argument: string, host: Host): Promise<PlanDocument> {
  const shown = argument === '-' ? 'standard input' : argument
  const text = argument === '-' ? await arrivingText(host) : storedText(resolve(host.cwd, argument), argument)
  const parsed = documentSchema.safeParse(parseJson(text, shown))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(shown, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is no plan'}`, parsed.error)
  }
  return { ...parsed.data, plan: parsePlan(parsed.data.plan) }
}

function storedText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw systemCallError(error, 'read the plan', shown)
  }
}

async function arrivingText({ stdin }: Host): Promise<string> {
  if (stdin.isTTY) {
    throw new ArcError('ARC_ARGUMENT_INVALID', 'the plan should come on standard input, which is a terminal', {
      hint: 'Send it through a pipe, or name its file.',
    })
  }
  return Buffer.concat(await Array.fromAsync(stdin)).toString()
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
