import { join, sep } from 'node:path'
import { printablePath } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { type CheckReport, findingAbout, MAX_EXAMPLES } from './inspection.ts'
import type { RestorePlan } from './plan.ts'

interface Opener {
  readonly pid: number
  readonly program: string
  readonly paths: readonly string[]
}

/**
 * Programs that have files of the target open, or stand in one of its folders: they go on in the tree from before. Linux
 * tells it in /proc, of this user's processes (root sees all).
 */
export function inspectOpenFiles(plan: RestorePlan, fs: FileSystem): CheckReport {
  if (plan.targetFingerprint === 'missing' || plan.targetFingerprint === 'empty') return { findings: [] }
  if (process.platform !== 'linux')
    return { findings: [], notChecked: `there is no way to look on ${process.platform}` }
  const openers: Opener[] = []
  let hidden = 0
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    const paths = pathsOf(join('/proc', name), plan.target, fs)
    if (paths === undefined) hidden++
    else if (paths.length > 0) openers.push({ pid: Number(name), program: programOf(name, fs), paths })
  }
  if (openers.length === 0) return { findings: [] }
  const who =
    openers.length === 1 ? `${openers[0]?.program} (process ${openers[0]?.pid})` : `${openers.length} processes`
  return {
    findings: [
      {
        check: 'open-files',
        severity: 'risk',
        message: `${who} will go on in the tree from before: it has files or folders of it open`,
        evidence: { processes: openers.slice(0, MAX_EXAMPLES), processesNotSeen: hidden },
      },
    ],
  }
}

/** What a process has open below `root`; `undefined` when this user may not know. */
function pathsOf(proc: string, root: string, fs: FileSystem): string[] | undefined {
  try {
    const links = ['cwd', ...fs.readdirSync(join(proc, 'fd')).map((fd) => join('fd', fd))]
    const found = new Set<string>()
    for (const link of links) {
      const path = linkTarget(join(proc, link), fs)
      if (path === root || path?.startsWith(root + sep) === true) found.add(printablePath(path))
    }
    return [...found].slice(0, MAX_EXAMPLES)
  } catch {
    return undefined // it belongs to somebody else, or has just ended
  }
}

function linkTarget(link: string, fs: FileSystem): string | undefined {
  try {
    return fs.readlinkSync(link)
  } catch {
    return undefined // closed at this moment
  }
}

function programOf(pid: string, fs: FileSystem): string {
  try {
    const fd = fs.openSync(join('/proc', pid, 'comm'), 'r')
    try {
      const text = Buffer.alloc(64)
      return printablePath(text.toString('utf8', 0, fs.readSync(fd, text)).trim())
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return 'a program'
  }
}

/** What somebody changed in the target after the source was made, and the restore would change back or remove. */
export function inspectNewerChanges(plan: RestorePlan, sourceMadeAt: Date | undefined, fs: FileSystem): CheckReport {
  if (sourceMadeAt === undefined) return { findings: [], notChecked: 'it is not known when the source was made' }
  const newer: string[] = []
  for (const { path, action, type } of plan.rows) {
    if ((action !== 'change' && action !== 'remove') || type === 'directory') continue
    const stat = fs.lstatSync(localPath(plan.target, path), { throwIfNoEntry: false })
    if (stat !== undefined && stat.mtimeMs > sourceMadeAt.getTime()) newer.push(printablePath(path))
  }
  if (newer.length === 0) return { findings: [] }
  const facts = { check: 'newer-changes', severity: 'risk' } as const
  const finding = findingAbout(facts, newer, (count) => `${count} of the target changed after the source was made`)
  return { findings: [{ ...finding, evidence: { ...finding.evidence, sourceMadeAt: sourceMadeAt.toISOString() } }] }
}
