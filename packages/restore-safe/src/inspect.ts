import nodeFs from 'node:fs'
import { printablePath } from '@arc/core'
import { attempt } from './attempt.ts'
import { inspectInodes, type InspectionFileSystem, inspectPermissions, inspectSpace } from './inspect-disk.ts'
import { inspectLimits, inspectNames } from './inspect-names.ts'
import { inspectNewerChanges, inspectOpenFiles } from './inspect-target.ts'
import {
  type CheckOutcome,
  type CheckReport,
  findingAbout,
  type RestoreCheck,
  type RestoreFinding,
  type RestoreInspection,
} from './inspection.ts'
import { estimateLikelihood, type RestoreOutcome } from './outcome-log.ts'
import type { RestorePlan } from './plan.ts'
import { locateTarget } from './target.ts'
import { actsUnasked } from './unasked-files.ts'

/** Options of {@link inspectRestore}. */
export interface InspectOptions {
  /** When the source was made; what changed in the target since then is told. */
  readonly sourceMadeAt?: Date | undefined
  /** How earlier restores ended, from `readOutcomes`; the likelihood is concluded from them and from nothing else. */
  readonly outcomes?: readonly RestoreOutcome[] | undefined
  readonly fs?: InspectionFileSystem | undefined
}

/**
 * Look, before a restore, at what might make it fail or be regretted: what the plan itself found, space, inodes,
 * permissions, open files, names, limits, newer changes, and files that programs obey unasked. Every finding has its
 * evidence, and what could not be checked says so. Writes nothing.
 */
export function inspectRestore(plan: RestorePlan, options: InspectOptions = {}): RestoreInspection {
  const fs = options.fs ?? nodeFs
  const target = locateTarget(plan.target, fs)
  const looks: Readonly<Record<RestoreCheck, () => CheckReport>> = {
    plan: () => ({ findings: plan.conflicts.map(conflictFinding) }),
    space: () => inspectSpace(plan, target, fs),
    inodes: () => inspectInodes(plan, target, fs),
    permissions: () => inspectPermissions(plan, target, fs),
    'open-files': () => inspectOpenFiles(plan, fs),
    names: () => inspectNames(plan, target, fs),
    limits: () => inspectLimits(plan, target),
    'newer-changes': () => inspectNewerChanges(plan, options.sourceMadeAt, fs),
    unasked: () => ({ findings: unaskedFindings(plan) }),
  }
  const checks: CheckOutcome[] = []
  const findings: RestoreFinding[] = []
  for (const [check, look] of Object.entries(looks) as [RestoreCheck, () => CheckReport][]) {
    const report = attempt(`check ${check} of`, plan.target, look)
    findings.push(...report.findings)
    checks.push(outcomeOf(check, report))
  }
  const likelihood = estimateLikelihood(findings, options.outcomes ?? [])
  return { schemaVersion: 1, target: plan.target, checks, findings, likelihood }
}

function outcomeOf(check: RestoreCheck, { findings, notChecked }: CheckReport): CheckOutcome {
  const status = findings.length > 0 ? 'found' : notChecked === undefined ? 'passed' : 'not-checked'
  return { check, status, ...(notChecked !== undefined && { detail: notChecked }) }
}

function conflictFinding({ path, code, message }: RestorePlan['conflicts'][number]): RestoreFinding {
  return { check: 'plan', severity: 'stops', message, evidence: { code, ...(path !== undefined && { path }) } }
}

function unaskedFindings(plan: RestorePlan): RestoreFinding[] {
  const files = plan.rows.filter(
    ({ path, action, type }) => (action === 'add' || action === 'change') && type !== 'directory' && actsUnasked(path),
  )
  if (files.length === 0) return []
  const paths = files.map(({ path }) => printablePath(path))
  return [
    findingAbout(
      { check: 'unasked', severity: 'note' },
      paths,
      (count) => `${count} that programs obey or run unasked`,
    ),
  ]
}
