import { ArcError } from '@arc/core'
import { judgeSnapshots, type RetentionGroup, type RetentionPolicy } from './retention.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, SnapshotStore } from './store.ts'

/** What {@link applyForget} will do: plain data. */
export interface ForgetPlan {
  readonly schemaVersion: 1
  readonly location: string
  readonly policy: RetentionPolicy
  readonly groups: readonly RetentionGroup[]
  /** Ids, oldest first. */
  readonly forget: readonly string[]
  readonly keep: readonly string[]
}

export interface PlanForgetOptions extends CallOptions {
  /** Only snapshots of this project, or host; the others are in no group and stay. */
  project?: string | undefined
  host?: string | undefined
}

/**
 * Say which snapshots a policy would forget, and why the others stay. Changes nothing. Throws `ARC_OPTION_INVALID` for a policy that
 * keeps nothing of a project: what only tags keep is gone with a slip in one.
 */
export async function planForget(
  store: SnapshotStore,
  policy: RetentionPolicy,
  options: PlanForgetOptions = {},
): Promise<ForgetPlan> {
  const { project, host } = options
  const snapshots = (await store.list(options)).filter(
    (snapshot) =>
      (project === undefined || snapshot.project === project) && (host === undefined || snapshot.host === host),
  )
  const groups = judgeSnapshots(snapshots, policy)
  const lost = groups.find(({ fates }) => !fates.some(({ keep }) => keep))
  if (lost !== undefined) throw keepsNothing(lost)
  const kept = new Set(groups.flatMap(({ fates }) => fates.filter(({ keep }) => keep).map(idOf)))
  const [keep, forget] = [true, false].map((isKept) =>
    snapshots.filter(({ id }) => kept.has(id) === isKept).map(({ id }) => id),
  ) as [string[], string[]]
  return { schemaVersion: 1, location: store.location, policy, groups, forget, keep }
}

function keepsNothing(group: RetentionGroup): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `nothing of ${group.project} on ${group.host} would stay`, {
    hint: 'Check the spelling of tags, choose a project, or add a rule; to forget everything, name the snapshots.',
  })
}

function idOf({ snapshot }: { snapshot: SnapshotInfo }): string {
  return snapshot.id
}

/**
 * Forget what a plan names; returns the ids. Throws `ARC_PLAN_STALE`, and forgets nothing, when a snapshot of the plan is
 * gone: what was to be kept instead of others may be the one. In a vault space comes back with pruning.
 */
export async function applyForget(
  plan: ForgetPlan,
  store: SnapshotStore,
  options: CallOptions = {},
): Promise<string[]> {
  const there = new Set((await store.list(options)).map(({ id }) => id))
  const gone = [...plan.keep, ...plan.forget].find((id) => !there.has(id))
  if (plan.location !== store.location || gone !== undefined) {
    throw new ArcError('ARC_PLAN_STALE', 'snapshots of the plan are not there any more', {
      hint: 'Plan again, look at the new plan, then apply it.',
      details: { gone },
    })
  }
  if (plan.forget.length > 0) await store.remove(plan.forget, { ...options, reason: JSON.stringify(plan.policy) })
  return [...plan.forget]
}
