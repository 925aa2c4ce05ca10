import { ArcError } from '@arc/core'
import type { KeyEdit } from './edit.ts'
import { type History, isSnapshotTag } from './history.ts'
import { type VersionRecord, versionId } from './version.ts'

/** What to keep: a version is kept when any of the rules says so. At least one must be given. */
export interface RetentionRules {
  /** The newest so many versions; delete markers do not count. */
  keepLast?: number | undefined
  /** Versions of the last so many days. */
  keepDays?: number | undefined
}

/** Why a version is kept. */
export type KeepReason =
  | 'latest'
  | 'within-last'
  | 'within-days'
  | 'tagged'
  | 'snapshot'
  | 'legal-hold'
  | 'retained'
  /** A delete marker behind a version that is kept: without it, the version would seem to have lived on. */
  | 'ends-kept-version'

/** What becomes of one version. */
export interface PlannedVersion {
  readonly id: string
  readonly seq: number
  readonly sizeBytes: number
  readonly isDeleteMarker: boolean
  readonly modified: string
  readonly action: 'keep' | 'remove'
  /** Why it is kept; empty when it is removed. */
  readonly reasons: readonly KeepReason[]
}

/** What {@link planRetention} decided about the versions of one key; plain data. */
export interface RetentionPlan {
  readonly key: string
  readonly rules: RetentionRules
  /** Oldest first. */
  readonly versions: readonly PlannedVersion[]
  readonly removeCount: number
  /** Contents that other versions share are counted, too. */
  readonly removeBytes: number
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Decide which versions of a key to keep. The latest, tagged, held and retained ones and those of a snapshot are kept
 * whatever the rules say. Throws `ARC_OPTION_INVALID` without a rule, since that would mean everything.
 */
export function planRetention(
  history: Pick<History, 'key' | 'versions' | 'tags' | 'latest'>,
  rules: RetentionRules,
  now: Date,
): RetentionPlan {
  assertRules(rules)
  const byRules = new RuleReasons(history, rules, now.getTime())
  const versions: PlannedVersion[] = []
  let isPreviousKept = false
  for (const record of history.versions) {
    const reasons = byRules.of(record)
    const isDeleteMarker = record.sha256 === undefined
    if (isDeleteMarker && isPreviousKept) reasons.push('ends-kept-version')
    isPreviousKept = reasons.length > 0
    const { seq, sizeBytes, atMs } = record
    const action = isPreviousKept ? 'keep' : 'remove'
    versions.push({
      id: versionId(record),
      seq,
      sizeBytes,
      isDeleteMarker,
      modified: new Date(atMs).toISOString(),
      action,
      reasons,
    })
  }
  const removed = versions.filter(({ action }) => action === 'remove')
  const removeBytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { key: history.key, rules, versions, removeCount: removed.length, removeBytes }
}

class RuleReasons {
  readonly #latest: number | undefined
  readonly #tagged = new Set<number>()
  readonly #inSnapshots = new Set<number>()
  readonly #last: ReadonlySet<number>
  readonly #youngMs: number
  readonly #nowMs: number

  constructor(
    { versions, tags, latest }: Pick<History, 'versions' | 'tags' | 'latest'>,
    { keepLast, keepDays }: RetentionRules,
    nowMs: number,
  ) {
    this.#latest = latest?.seq
    for (const [name, seq] of tags) (isSnapshotTag(name) ? this.#inSnapshots : this.#tagged).add(seq)
    const withContent = versions.filter(({ sha256 }) => sha256 !== undefined)
    this.#last = new Set(keepLast === undefined ? [] : withContent.slice(-keepLast).map(({ seq }) => seq))
    this.#youngMs = keepDays === undefined ? Number.POSITIVE_INFINITY : nowMs - keepDays * DAY_MS
    this.#nowMs = nowMs
  }

  of({ seq, atMs, legalHold, retainUntilMs }: VersionRecord): KeepReason[] {
    const reasons: KeepReason[] = []
    if (seq === this.#latest) reasons.push('latest')
    if (this.#last.has(seq)) reasons.push('within-last')
    if (atMs >= this.#youngMs) reasons.push('within-days')
    if (this.#tagged.has(seq)) reasons.push('tagged')
    if (this.#inSnapshots.has(seq)) reasons.push('snapshot')
    if (legalHold === true) reasons.push('legal-hold')
    if (retainUntilMs !== undefined && retainUntilMs > this.#nowMs) reasons.push('retained')
    return reasons
  }
}

function assertRules({ keepLast, keepDays }: RetentionRules): void {
  const problem =
    keepLast === undefined && keepDays === undefined
      ? 'there is no rule, and without one every version would go'
      : keepLast !== undefined && !(Number.isSafeInteger(keepLast) && keepLast > 0)
        ? `keepLast is ${keepLast}, and must be a whole number from 1`
        : keepDays !== undefined && !(Number.isFinite(keepDays) && keepDays > 0)
          ? `keepDays is ${keepDays}, and must be a number above 0`
          : undefined
  if (problem === undefined) return
  throw new ArcError('ARC_OPTION_INVALID', `cannot decide what to keep: ${problem}`, {
    hint: 'Say how many to keep, of how many days, or both.',
  })
}

/** The edits that carry out a plan. */
export function retentionEdits({ key, versions }: RetentionPlan): KeyEdit[] {
  return versions.filter(({ action }) => action === 'remove').map(({ seq }) => ({ op: 'drop', key, seq }))
}

/** Why nobody may remove a version, or `undefined`. */
export function keptBecause(
  { tags, latest }: Pick<History, 'tags' | 'latest'>,
  version: VersionRecord,
  now: Date,
): KeepReason | undefined {
  if (version.seq === latest?.seq) return 'latest'
  for (const [name, seq] of tags) if (seq === version.seq) return isSnapshotTag(name) ? 'snapshot' : 'tagged'
  if (version.legalHold === true) return 'legal-hold'
  if (version.retainUntilMs !== undefined && version.retainUntilMs > now.getTime()) return 'retained'
  return undefined
}

/**
 * Of versions in a row with equal content all but the first, so that a change back to an earlier content stays visible.
 * Tagged, held and retained ones stay, and so does the latest when it is one of them.
 */
export function repeatedVersions(history: History, now: Date): VersionRecord[] {
  const repeated: VersionRecord[] = []
  let previous: VersionRecord | undefined
  for (const version of history.versions) {
    const isRepeated = version.sha256 !== undefined && version.sha256 === previous?.sha256
    const isFree = isRepeated && keptBecause({ tags: history.tags, latest: undefined }, version, now) === undefined
    if (isFree) repeated.push(version)
    else previous = version
  }
  return repeated
}
