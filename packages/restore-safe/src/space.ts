import { ArcError, printablePath } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import type { RestorePlan, RestoreSpace, RestoreTotals } from './plan.ts'
import type { Target } from './target.ts'

/** Compare what a restore will write with what is free where it stages. */
export function measureSpace(totals: RestoreTotals, target: Target, fs: FileSystem): RestoreSpace {
  const disk = attempt('measure', target.parent, () => fs.statfsSync(target.parent))
  return { neededBytes: totals.sourceBytes + totals.keptBytes, availableBytes: disk.bavail * disk.bsize }
}

/** Refuse before anything is staged what could not be staged to its end. */
export function assertEnoughSpace(plan: RestorePlan, target: Target, linksKept: boolean, fs: FileSystem): void {
  const { neededBytes, availableBytes } = measureSpace(
    linksKept ? { ...plan.totals, keptBytes: 0 } : plan.totals,
    target,
    fs,
  )
  if (neededBytes <= availableBytes) return
  const path = printablePath(target.path)
  throw new ArcError(
    'ARC_TARGET_UNSUITABLE',
    `cannot restore to ${path}: ${neededBytes} bytes are needed, ${availableBytes} are free on its disk`,
    {
      path,
      hint: 'Free some space; the tree from before is kept until the new one is complete.',
      details: { neededBytes, availableBytes },
    },
  )
}
