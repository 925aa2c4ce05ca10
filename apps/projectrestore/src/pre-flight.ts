import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { type ArcErrorCode, isArcError, printablePath } from '@arc/core'
import { formatCounted, type Host, type Log, missingParents, type Style } from '@arc/kit'
import {
  inspectRestore,
  isIdle,
  readOutcomes,
  recordOutcome,
  type RestoreFinding,
  type RestoreInspection,
  type RestoreLikelihood,
  type RestorePlan,
} from '@arc/restore-safe'

/** Look before a restore at what might go wrong; the likelihood comes from how this user's earlier restores ended. */
export function inspect(plan: RestorePlan, madeAt: Date | undefined, host: Host): RestoreInspection {
  const target = missingParents(plan.target)[0] ?? plan.target
  return inspectRestore({ ...plan, target }, { sourceMadeAt: madeAt, outcomes: readOutcomes(outcomeFile(host)) })
}

/** The exit status of looking before a restore: 1 when it could not be done. What changes nothing needs no room and no permissions. */
export function dryRunStatus(plan: RestorePlan, { findings }: RestoreInspection): number {
  return !isIdle(plan) && findings.some(({ severity }) => severity === 'stops') ? 1 : 0
}

/** Do a restore that was inspected, and remember how it ended, unless it never came to begin. */
export async function remembering<T>(
  inspection: RestoreInspection,
  context: { host: Host; log: Log },
  restore: () => Promise<T>,
): Promise<T> {
  const remember = (succeeded: boolean): void => {
    try {
      recordOutcome(outcomeFile(context.host), inspection, succeeded, { now: () => new Date(context.host.now()) })
    } catch (error) {
      context.log.detail(isArcError(error) ? error.message : String(error)) // it serves later likelihoods only
    }
  }
  try {
    const result = await restore()
    remember(true)
    return result
  } catch (error) {
    if (!(isArcError(error) && NOT_BEGUN.has(error.code))) remember(false)
    throw error
  }
}

/** A person stopped it, another restore was running, or the plan was too old: none of these says how restores end. */
const NOT_BEGUN: ReadonlySet<ArcErrorCode> = new Set(['ARC_ABORTED', 'ARC_TARGET_BUSY', 'ARC_PLAN_STALE'])

/** Where outcomes are remembered: in the user's state folder, one file. */
function outcomeFile({ env }: Host): string {
  const { XDG_STATE_HOME: configured, HOME: home } = env
  const state =
    configured !== undefined && isAbsolute(configured) ? configured : join(home ?? homedir(), '.local/state')
  return join(state, 'arc', 'projectrestore', 'outcomes.jsonl')
}

/** A pre-flight for people: what was found, with its evidence, what could not be checked, and the likelihood. */
export function describeInspection(inspection: RestoreInspection, style: Style): string {
  const { checks, findings, likelihood } = inspection
  const passed = checks.filter(({ status }) => status === 'passed').map(({ check }) => check)
  const lines = findings.map(
    (each) => `${style[PAINTS[each.severity]](each.severity.padEnd(12))} ${describeFinding(each)}`,
  )
  for (const { check, status, detail } of checks)
    if (status === 'not-checked') lines.push(style.quiet(`not checked  ${check}: ${detail ?? ''}`))
  if (passed.length > 0) lines.push(style.quiet(`passed       ${passed.join(', ')}`))
  return `${lines.map((line) => `${line}\n`).join('')}${describeLikelihood(likelihood)}\n`
}

/** Warn of the findings that may make a restore fail or be regretted. */
export function warnOfRisks({ findings }: RestoreInspection, log: Log): void {
  for (const finding of findings) if (finding.severity === 'risk') log.warn(describeFinding(finding))
}

function describeFinding({ check, message, evidence }: RestoreFinding): string {
  return `${check}: ${message}${evidenceText(evidence)}`
}

const PAINTS = { stops: 'error', risk: 'warning', note: 'quiet' } as const

function evidenceText({ examples, processes, ...facts }: RestoreFinding['evidence']): string {
  if (Array.isArray(examples)) return ` (${examples.join(', ')})`
  if (Array.isArray(processes)) {
    const all = processes as readonly { pid: number; program: string; paths: readonly string[] }[]
    return ` (${all.map(({ pid, program, paths }) => `${program} ${pid}: ${paths.join(', ')}`).join('; ')})`
  }
  const rest = Object.entries(facts).filter(([name]) => name !== 'code')
  return rest.length === 0
    ? ''
    : ` (${rest.map(([name, value]) => `${name} ${printablePath(String(value))}`).join(', ')})`
}

function describeLikelihood({ probability, basis, restores, successes, record }: RestoreLikelihood): string {
  if (basis === 'stopped') return 'likelihood of success: none, for the reasons that stop it'
  if (probability === undefined) return 'likelihood of success: not known; no earlier restore of this kind is on record'
  const kind = basis === 'same-findings' ? 'like it' : 'with the worst of these findings'
  const past = `${successes} of ${formatCounted(restores, 'earlier restore')} ${kind} succeeded`
  const { predictions, meanPredicted, succeeded } = record
  const worth =
    meanPredicted === undefined || succeeded === undefined
      ? ''
      : `; of ${formatCounted(predictions, 'earlier prediction')} the mean was ${percent(meanPredicted)}, and ${percent(succeeded)} succeeded`
  return `likelihood of success: ${percent(probability)} (${past}${worth})`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
