import { basename, join } from 'node:path'
import { encodePath, pathProblem, printablePath } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { STAGE_NAME } from './control-folder.ts'
import { type CheckReport, findingAbout, type RestoreFinding } from './inspection.ts'
import { foldPath } from './name-fold.ts'
import type { RestorePlan, RestoreRow } from './plan.ts'
import type { Target } from './target.ts'

/** Longest path that the system takes, without its NUL. */
const PATH_MAX_BYTES: Readonly<Partial<Record<NodeJS.Platform, number>>> = { darwin: 1023, win32: 32_766 }
const USUAL_PATH_MAX_BYTES = 4095

/** Names that differ only in case or Unicode form: one file here, if this file system says so, and elsewhere anyhow. */
export function inspectNames(plan: RestorePlan, target: Target, fs: FileSystem): CheckReport {
  const twins = twinsOf(plan.rows)
  if (twins.length === 0) return { findings: [] }
  const ignoresCase = ignoresCaseAt(target, fs)
  const facts = { check: 'names', severity: ignoresCase === true ? 'stops' : 'note' } as const
  const where =
    ignoresCase === true ? 'the file system of the target takes' : 'most file systems of macOS and Windows take'
  return {
    findings: [
      findingAbout(facts, twins, (count) => `${where} ${count} for others that differ in case or Unicode form`),
    ],
    ...(ignoresCase === undefined && { notChecked: 'whether the file system of the target ignores case is not known' }),
  }
}

/** Paths too long for this system once they lie in the staging folder, and names that Windows reads differently. */
export function inspectLimits(plan: RestorePlan, target: Target): CheckReport {
  const findings: RestoreFinding[] = []
  const prefixBytes = Buffer.byteLength(join(target.controlFolder, STAGE_NAME)) + 1
  const maxBytes = PATH_MAX_BYTES[process.platform] ?? USUAL_PATH_MAX_BYTES
  const arriving = plan.rows.filter(({ action }) => action !== 'remove')
  const long = arriving.filter(({ path }) => prefixBytes + encodePath(path).length > maxBytes)
  if (long.length > 0) {
    const facts = { check: 'limits', severity: 'stops' } as const
    findings.push(
      findingAbout(
        facts,
        shown(long),
        (count) => `${count} would be longer in the staging folder than the system takes`,
      ),
    )
  }
  const restored = arriving.filter(({ reason }) => reason !== 'not-in-source')
  const foreign = restored.filter(({ path }) => pathProblem(path, { platform: 'windows' }) !== undefined)
  if (foreign.length > 0) {
    const facts = { check: 'limits', severity: 'note' } as const
    findings.push(findingAbout(facts, shown(foreign), (count) => `${count} could not be restored on Windows`))
  }
  return { findings }
}

function shown(rows: readonly RestoreRow[]): string[] {
  return rows.map(({ path }) => printablePath(path))
}

function twinsOf(rows: readonly RestoreRow[]): string[] {
  const first = new Set<string>()
  const twins: string[] = []
  for (const { path, action } of rows) {
    if (action === 'remove') continue
    const key = foldPath(path)
    if (first.has(key)) twins.push(printablePath(path))
    first.add(key)
  }
  return twins
}

/** Ask for the folder around the target by its name in other letters; nothing has to be written for that. */
function ignoresCaseAt(target: Target, fs: FileSystem): boolean | undefined {
  const candidates = [target.path, target.parent]
  for (const path of candidates) {
    const name = basename(path)
    const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
    const here = fs.lstatSync(path, { throwIfNoEntry: false })
    if (other === name || here === undefined) continue
    const there = fs.lstatSync(join(path, '..', other), { throwIfNoEntry: false })
    return there?.ino === here.ino && there.dev === here.dev
  }
  return undefined
}
