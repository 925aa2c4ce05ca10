import * as z from 'zod/mini'
import { isMissing } from './problems.ts'
import { nameOf, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'
import { parseJson } from './parse-json.ts'

export const MARKS_PREFIX = 'prune/'
const MAX_MARK_BYTES = 256 * 1024 * 1024
const MARK_NAME = /^(\d{10})-(plan|done)$/

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))

const markSchema = z.strictObject({
  generation: z.int().check(z.gte(1)),
  time: z.string().check(z.maxLength(40)),
  packs: z.array(hash),
  indexes: z.array(hash),
  snapshots: z.array(hash),
  damaged: z.optional(z.array(hash)),
})

/** What a pruning announces, or says that it decided. */
export interface PruneMark {
  readonly generation: number
  readonly time: string
  /** Packs that go. */
  readonly packs: readonly string[]
  /** Indexes that go with them: all they name that stays is in others. */
  readonly indexes: readonly string[]
  /**
   * In a plan: the snapshots that it was made with, which need none of these packs. In a `done` mark: every snapshot that
   * counted, so that one published later by a writer that knew nothing of this pruning is told apart.
   */
  readonly snapshots: readonly string[]
  /** In a `done` mark: snapshots that a repair found incomplete. Nothing new may rely on what they are said to hold. */
  readonly damaged?: readonly string[] | undefined
}

/** What prunings say about the objects of a vault. */
export interface PruneState {
  /** Number of the last complete pruning. */
  readonly generation: number
  /** Number of the last one that was announced: what a writer that took all marks into account writes into its record. */
  readonly latest: number
  readonly done: PruneMark | undefined
  /** Announced, and not yet carried out. */
  readonly planned: PruneMark | undefined
  /** Packs that are gone or about to go: nothing new may rely on them. */
  readonly doomedPacks: ReadonlySet<string>
}

/** Key of a mark. */
export function markKey(generation: number, phase: 'plan' | 'done'): string {
  return `${MARKS_PREFIX}${String(generation).padStart(10, '0')}-${phase}`
}

/** Times the marks are looked at anew when a pruning removes one between being listed and being read. */
const MAX_LOOKS = 5

/** The marks as they are now. */
export async function readPruneState(objects: VaultObjects, options: CallOptions = {}): Promise<PruneState> {
  for (let looks = 1; ; looks++) {
    try {
      return await lookAtMarks(objects, options)
    } catch (error) {
      if (!isMissing(error) || looks === MAX_LOOKS) throw error
    }
  }
}

async function lookAtMarks(objects: VaultObjects, options: CallOptions): Promise<PruneState> {
  const marks = new Map<string, number>()
  for (const { key } of await objects.list(MARKS_PREFIX, options)) {
    const match = MARK_NAME.exec(nameOf(key))
    const generation = Number(match?.[1])
    if (match !== null) marks.set(match[2] as string, Math.max(generation, marks.get(match[2] as string) ?? 0))
  }
  const generation = marks.get('done') ?? 0
  const plannedGeneration = marks.get('plan') ?? 0
  const latest = Math.max(generation, plannedGeneration)
  // Who may only write sees that there are marks. It relies on nothing that was there before.
  if (!objects.keys.canUnseal) {
    return { generation, latest, done: undefined, planned: undefined, doomedPacks: new Set<string>() }
  }
  const done = generation === 0 ? undefined : await readMark(objects, markKey(generation, 'done'), options)
  const planned =
    plannedGeneration <= generation ? undefined : await readMark(objects, markKey(plannedGeneration, 'plan'), options)
  return {
    generation,
    latest,
    done,
    planned,
    doomedPacks: new Set([...(done?.packs ?? []), ...(planned?.packs ?? [])]),
  }
}

async function readMark(objects: VaultObjects, key: string, options: CallOptions): Promise<PruneMark> {
  const bytes = objects.unseal('mark', await objects.readWhole(key, MAX_MARK_BYTES, options))
  return parseJson(bytes, markSchema, key)
}

/** Publish a mark that nobody else has published. Throws `ARC_OBJECT_CONFLICT` when somebody has. */
export async function writeMark(
  objects: VaultObjects,
  phase: 'plan' | 'done',
  mark: PruneMark,
  options: CallOptions = {},
): Promise<void> {
  const sealed = objects.seal('mark', Buffer.from(JSON.stringify(mark)))
  await objects.backend.write(markKey(mark.generation, phase), sealed, { ifAbsent: true, signal: options.signal })
}

/** Whether a snapshot counts: one whose writer did not know of the last pruning does only when that pruning knew of it. */
export function isCurrent(state: PruneState, snapshot: { hash: string; generation: number }): boolean {
  return snapshot.generation >= state.generation || state.done?.snapshots.includes(snapshot.hash) === true
}

/** Whether what a snapshot needs is safe from the pruning that is announced, whatever becomes of the snapshot itself. */
export function isSpared({ planned }: PruneState, snapshot: { hash: string; generation: number }): boolean {
  return planned === undefined || snapshot.generation >= planned.generation || planned.snapshots.includes(snapshot.hash)
}
