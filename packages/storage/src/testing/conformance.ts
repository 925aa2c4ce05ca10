import { randomBytes } from 'node:crypto'
import type { Backend } from '../backend.ts'
import { prefixed } from '../prefixed.ts'
import { conditionCases } from './conformance-conditions.ts'
import { featureCases } from './conformance-features.ts'
import { listingCases } from './conformance-listing.ts'
import { objectCases } from './conformance-objects.ts'
import { versionCases } from './conformance-versions.ts'

/** One thing that every backend must do. */
export interface ConformanceCase {
  readonly name: string
  /** Rejects with what is wrong. Works below a prefix of its own and leaves nothing current behind. */
  readonly run: (backend: Backend) => Promise<void>
}

/** What a case may use. */
interface CaseContext {
  /** Empty; nobody else writes there. */
  readonly backend: Backend
  /** False where a round trip costs so much that a thousand of them are too many. */
  readonly isFast: boolean
}

/** A case as its file writes it. */
export type CaseTable = Readonly<Record<string, (context: CaseContext) => Promise<void>>>

export interface ConformanceOptions {
  /** For a service far away: fewer objects in the cases that need many. Default false. */
  isSlow?: boolean
}

/**
 * The conformance suite: what a driver must do to be one, as data for any test runner:
 *
 * `for (const { name, run } of backendCases()) test(name, () => run(backend))`
 *
 * No case is ever skipped: where a capability is missing, the case checks that what depends on it is refused.
 */
export function backendCases(options: ConformanceOptions = {}): ConformanceCase[] {
  const tables: readonly CaseTable[] = [objectCases, listingCases, conditionCases, versionCases, featureCases]
  return tables.flatMap((table) =>
    Object.entries(table).map(([name, test]) => ({
      name,
      run: async (backend) => {
        const part = prefixed(backend, `arc-conformance-${randomBytes(6).toString('hex')}`)
        try {
          await test({ backend: part, isFast: options.isSlow !== true })
        } finally {
          await removeEverything(part)
        }
      },
    })),
  )
}

async function removeEverything(backend: Backend): Promise<void> {
  for await (const batch of backend.list('')) {
    await Promise.allSettled(batch.map(async ({ key }) => backend.delete(key)))
  }
}
