import { constants } from 'node:fs'
import { errnoOf, printablePath } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { type CheckReport, findingAbout, type RestoreFinding } from './inspection.ts'
import { findMount } from './mounts.ts'
import type { RestorePlan, RestoreRow } from './plan.ts'
import type { Target } from './target.ts'

/** What the checks of a disk need beyond {@link FileSystem}. */
export type InspectionFileSystem = FileSystem & Pick<typeof import('node:fs'), 'accessSync'>

/** From this share of the free space on, other programs may well take the rest while a restore runs. */
const TIGHT = 0.9

/** Whether the new tree fits, in the blocks that the file system hands out. */
export function inspectSpace(plan: RestorePlan, target: Target, fs: FileSystem): CheckReport {
  const { bsize, bavail } = fs.statfsSync(target.parent)
  const availableBytes = bavail * bsize
  let neededBytes = 0
  for (const row of staged(plan)) neededBytes += Math.ceil((row.type === 'file' ? row.sizeBytes : 1) / bsize) * bsize
  // Names of one file count once in the totals, and each by itself in the rows.
  neededBytes = Math.min(neededBytes, plan.space.neededBytes + staged(plan).length * bsize)
  const evidence = { neededBytes, availableBytes, blockBytes: bsize }
  if (plan.space.neededBytes > availableBytes)
    return one('space', 'stops', 'the disk has less free space than the new tree needs', evidence)
  if (neededBytes > availableBytes * TIGHT)
    return one('space', 'risk', 'the new tree needs nearly all the free space of the disk', evidence)
  return { findings: [] }
}

/** Whether there are enough inodes for the new tree, which lies beside the old one until the swap. */
export function inspectInodes(plan: RestorePlan, target: Target, fs: FileSystem): CheckReport {
  const { files, ffree } = fs.statfsSync(target.parent)
  if (files === 0) return { findings: [], notChecked: 'this file system makes inodes as they are needed' }
  const neededInodes = staged(plan).length + 1
  const evidence = { neededInodes, availableInodes: ffree }
  if (neededInodes > ffree)
    return one('inodes', 'stops', 'the disk has fewer free inodes than the new tree has paths', evidence)
  return neededInodes > ffree * TIGHT
    ? one('inodes', 'risk', 'the new tree needs nearly all the free inodes of the disk', evidence)
    : { findings: [] }
}

/** Whether this user may stage beside the target, rename it, and read what stays of it, and nothing is mounted there. */
export function inspectPermissions(plan: RestorePlan, target: Target, fs: InspectionFileSystem): CheckReport {
  const findings: RestoreFinding[] = []
  const mount = findMount([target.path, target.controlFolder], fs)
  if (mount !== undefined) {
    const message = 'something is mounted there, so the target cannot be moved'
    findings.push({ check: 'permissions', severity: 'stops', message, evidence: { path: printablePath(mount) } })
  }
  const { W_OK, X_OK, R_OK } = constants
  const refuse = (path: string, message: string, errno: string): void => {
    findings.push({ check: 'permissions', severity: 'stops', message, evidence: { path: printablePath(path), errno } })
  }
  const parent = refusal(target.parent, W_OK | X_OK, fs)
  if (parent !== undefined) refuse(target.parent, 'the folder that holds the target cannot be written to', parent)
  if (fs.existsSync(target.path)) {
    const own = refusal(target.path, W_OK | X_OK, fs)
    if (own !== undefined) refuse(target.path, 'the target itself cannot be written to, so it cannot be moved', own)
  }
  const unreadable = plan.rows.filter(
    (row) => stays(row) && row.type === 'file' && refusal(localPath(plan.target, row.path), R_OK, fs) !== undefined,
  )
  if (unreadable.length > 0) {
    findings.push(
      findingAbout(
        { check: 'permissions', severity: 'stops' },
        unreadable.map(({ path }) => printablePath(path)),
        (count) => `${count} of the target that would stay cannot be read`,
      ),
    )
  }
  return { findings }
}

/** What will lie in the staging folder. */
function staged(plan: RestorePlan): readonly RestoreRow[] {
  return plan.rows.filter(({ action }) => action !== 'remove')
}

function stays({ action, reason }: RestoreRow): boolean {
  return action === 'keep' && reason === 'not-in-source'
}

function refusal(path: string | Buffer, mode: number, fs: InspectionFileSystem): string | undefined {
  try {
    fs.accessSync(path, mode)
    return undefined
  } catch (error) {
    return errnoOf(error) ?? 'unknown'
  }
}

function one(
  check: RestoreFinding['check'],
  severity: RestoreFinding['severity'],
  message: string,
  evidence: RestoreFinding['evidence'],
): CheckReport {
  return { findings: [{ check, severity, message, evidence }] }
}
