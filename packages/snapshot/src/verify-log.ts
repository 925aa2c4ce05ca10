import { ArcError, isArcError } from '@arc/core'
import { verifySignature } from '@arc/crypto'
import type { SignedRecord } from './record.ts'
import type { CallOptions } from './store.ts'
import type { Vault } from './vault.ts'
import { goneBy, type LogPlace } from './vault-log.ts'

export interface VerifyLogOptions extends CallOptions {
  /** Heads that were written down elsewhere: they must still be in the history of today's. */
  since?: readonly string[] | undefined
  /** Texts of public key files: every record must be signed by one of them. */
  publicKeys?: readonly string[] | undefined
}

/** What is wrong with one record. */
export interface LogProblem {
  readonly record: string
  readonly message: string
}

export interface LogReport {
  readonly records: number
  readonly snapshots: number
  /** The newest records: what to write down elsewhere, and to give as `since` next time. One, or several after concurrent writers. */
  readonly heads: readonly string[]
  readonly problems: readonly LogProblem[]
}

/**
 * Prove that no record was changed, reordered, or removed without a tombstone. Records name their predecessors by hash, and
 * tombstones also those of what they forget, so what is in the history of a head that somebody remembers cannot have been exchanged;
 * that the newest records were not cut off is proven only against such a head, that nobody else wrote tombstones only by signatures.
 */
export async function verifyLog(vault: Vault, options: VerifyLogOptions = {}): Promise<LogReport> {
  const { log } = vault.internal
  const view = await log.view(options)
  const problems: LogProblem[] = []
  const records = new Map<string, { place: LogPlace; signed: SignedRecord }>()
  for (const place of [...view.snapshots, ...view.notes]) {
    try {
      records.set(place.hash, { place, signed: await log.read(place, options) })
    } catch (error) {
      if (!isArcError(error)) throw error
      problems.push({ record: place.hash, message: error.message })
    }
  }
  const gone = new Set(
    [...records.values()].flatMap(({ signed }) => (signed.record.kind === 'forget' ? goneBy(signed.record) : [])),
  )
  const followed = new Set<string>()
  for (const [hash, { place, signed }] of records) {
    const say = (message: string): void => void problems.push({ record: hash, message })
    if (signed.record.sequence !== place.sequence) say('its name tells another sequence number than its content')
    for (const before of signed.record.previous) {
      followed.add(before)
      const known = records.get(before)
      if (known === undefined && !gone.has(before)) say(`its predecessor ${before} is gone without a tombstone`)
      if (known !== undefined && known.place.sequence >= place.sequence) say(`its predecessor ${before} came later`)
    }
    if (signed.record.previous.length === 0 && place.sequence > 1) say('it names no predecessor, and is not the first')
    const problem = signatureProblem(signed, options.publicKeys)
    if (problem !== undefined) say(problem)
  }
  const heads = [...records.keys()].filter((hash) => !followed.has(hash)).sort()
  for (const record of options.since ?? []) {
    if (!records.has(record) && !gone.has(record))
      problems.push({ record, message: 'it was the newest once, and is not there any more' })
  }
  return { records: records.size, snapshots: view.snapshots.length, heads, problems }
}

/** Throw `ARC_LOG_BROKEN` when a report has problems. */
export function assertLogIntact(report: LogReport): void {
  const [first] = report.problems
  if (first === undefined) return
  throw new ArcError('ARC_LOG_BROKEN', `the log of the vault is broken at ${first.record}: ${first.message}`, {
    hint: 'Find out who wrote to the vault. Snapshots that verify are still what they were.',
    details: { problems: report.problems },
  })
}

function signatureProblem(
  { message, signature }: SignedRecord,
  publicKeys: readonly string[] | undefined,
): string | undefined {
  if (publicKeys === undefined) return undefined
  if (signature === undefined) return 'it is not signed'
  let problem = 'it is signed by none of the keys'
  for (const key of publicKeys) {
    try {
      verifySignature(message, signature, key)
      return undefined
    } catch (error) {
      if (!isArcError(error)) throw error
      problem = error.message
    }
  }
  return problem
}
