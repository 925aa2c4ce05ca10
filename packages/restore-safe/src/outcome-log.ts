import { dirname } from 'node:path'
import { errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, makeFolders, nodeFileSystem, publishFile, readFully, writeFully } from '@arc/core/node'
import * as z from 'zod/mini'
import type { RestoreFinding, RestoreInspection, RestoreLikelihood } from './inspection.ts'

/** How one inspected restore ended. */
export interface RestoreOutcome {
  /** ISO 8601. */
  readonly at: string
  /** The kinds of finding there were before it, sorted: `open-files:risk`. */
  readonly findings: readonly string[]
  readonly succeeded: boolean
  /** What was predicted, if anything was. */
  readonly predicted?: number | undefined
}

const MAX_LOG_BYTES = 512 * 1024
const KEPT_BYTES = 256 * 1024

const outcomeSchema = z.object({
  at: z.string(),
  findings: z.array(z.string()),
  succeeded: z.boolean(),
  predicted: z.optional(z.number().check(z.gte(0), z.lte(1))),
})

/** The outcomes that a log holds, oldest first. A log that is missing is empty; a line that is torn is left out. */
export function readOutcomes(path: string, fs: FileSystem = nodeFileSystem): RestoreOutcome[] {
  return linesOf(readLog(path, fs)).flatMap((line) => {
    const { success, data } = outcomeSchema.safeParse(parseJson(line))
    return success ? [data] : []
  })
}

/** Remember how a restore ended that `inspection` was about. Appends one line; an old log loses its older half. */
export function recordOutcome(
  path: string,
  inspection: Pick<RestoreInspection, 'findings' | 'likelihood'>,
  succeeded: boolean,
  options: { readonly fs?: FileSystem | undefined; readonly now?: (() => Date) | undefined } = {},
): void {
  const fs = options.fs ?? nodeFileSystem
  const { probability } = inspection.likelihood
  const outcome: RestoreOutcome = {
    at: (options.now?.() ?? new Date()).toISOString(),
    findings: kindsOf(inspection.findings),
    succeeded,
    ...(probability !== undefined && { predicted: probability }),
  }
  try {
    makeFolders(dirname(path), { mode: 0o700, fs })
    const fd = fs.openSync(path, 'a', 0o600)
    try {
      writeFully(fs, fd, Buffer.from(`${JSON.stringify(outcome)}\n`), null)
    } finally {
      fs.closeSync(fd)
    }
    const log = readLog(path, fs)
    if (log.length > MAX_LOG_BYTES) publishFile(path, Buffer.from(`${newest(log)}\n`))
  } catch (error) {
    throw systemCallError(error, 'remember the outcome in', printablePath(path))
  }
}

/**
 * How likely a restore with these findings is to succeed: the rule of succession, (successes + 1) / (restores + 2), which is
 * calibrated when nothing is known beforehand. It is applied to the earlier restores with exactly the same kinds of finding;
 * where there were none, to those with each kind alone, of which the least counts. Without either there is no number.
 */
export function estimateLikelihood(
  findings: readonly RestoreFinding[],
  outcomes: readonly RestoreOutcome[],
): RestoreLikelihood {
  const record = recordOf(outcomes)
  if (findings.some(({ severity }) => severity === 'stops'))
    return { probability: 0, basis: 'stopped', restores: 0, successes: 0, record }
  const kinds = kindsOf(findings)
  const same = tally(outcomes.filter((outcome) => outcome.findings.join() === kinds.join()))
  if (same.restores > 0) return { ...same, basis: 'same-findings', record }
  const each = kinds.map((kind) => tally(outcomes.filter((outcome) => outcome.findings.includes(kind))))
  const worst = each.sort((a, b) => a.probability - b.probability)[0]
  if (worst === undefined || each.some(({ restores }) => restores === 0))
    return { basis: 'no-history', restores: 0, successes: 0, record }
  return { ...worst, basis: 'worst-finding', record }
}

function tally(outcomes: readonly RestoreOutcome[]): { probability: number; restores: number; successes: number } {
  const restores = outcomes.length
  const successes = outcomes.filter(({ succeeded }) => succeeded).length
  return { probability: (successes + 1) / (restores + 2), restores, successes }
}

function recordOf(outcomes: readonly RestoreOutcome[]): RestoreLikelihood['record'] {
  const predicted = outcomes.filter((outcome) => outcome.predicted !== undefined)
  const predictions = predicted.length
  if (predictions === 0) return { predictions }
  const sum = predicted.reduce((total, outcome) => total + (outcome.predicted ?? 0), 0)
  return { predictions, meanPredicted: sum / predictions, succeeded: tally(predicted).successes / predictions }
}

/** What tells restores apart: which checks found something, and how bad it was. Notes make no restore fail. */
function kindsOf(findings: readonly RestoreFinding[]): string[] {
  const kinds = findings.filter(({ severity }) => severity !== 'note').map((each) => `${each.check}:${each.severity}`)
  return [...new Set(kinds)].sort()
}

function readLog(path: string, fs: FileSystem): string {
  let fd: number
  try {
    fd = fs.openSync(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw systemCallError(error, 'read', printablePath(path))
  }
  try {
    const bytes = Buffer.alloc(Math.min(fs.fstatSync(fd).size, 2 * MAX_LOG_BYTES))
    return bytes.toString('utf8', 0, readFully(fs, fd, bytes, 0))
  } finally {
    fs.closeSync(fd)
  }
}

function linesOf(log: string): string[] {
  return log.split('\n').filter((line) => line !== '')
}

function newest(log: string): string {
  const tail = log.slice(-KEPT_BYTES)
  return tail.slice(tail.indexOf('\n') + 1).trimEnd()
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
