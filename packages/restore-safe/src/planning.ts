import { join } from 'node:path'
import type { EntrySource } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { attemptJob } from './attempt.ts'
import { JOURNAL_NAME } from './control-folder.ts'
import { assertOneOf, type PlanOptions, treeRules } from './options.ts'
import type { RestorePlan } from './plan.ts'
import { Planner } from './planner.ts'
import { recoverTarget } from './recovery.ts'
import { measureSpace } from './space.ts'
import { locateTarget } from './target.ts'
import { readTarget } from './target-reading.ts'

/**
 * Say what restoring `source` to `target` would do, path by path, without writing anything; only what an interrupted
 * restore left half swapped is first put right. In mode `new` no content is read. In the others, content is read where
 * sizes alone do not tell whether a file would change. What forbids the restore is in `conflicts`, all of it.
 *
 * A source that can be read only once is spent afterwards: give `applyRestore` a fresh one, or use `restoreNew`.
 * Throws `ARC_TARGET_NOT_EMPTY`, `ARC_TARGET_UNSUITABLE`, `ARC_NOT_A_DIRECTORY`, `ARC_TARGET_BUSY`, `ARC_OPTION_INVALID`.
 */
export function planRestore(source: EntrySource, target: string, options: PlanOptions = {}): Promise<RestorePlan> {
  return attemptJob('plan a restore to', target, () => makePlan(source, target, options))
}

async function makePlan(source: EntrySource, target: string, options: PlanOptions): Promise<RestorePlan> {
  const fs = options.fs ?? nodeFileSystem
  assertOneOf('mode', options.mode, ['new', 'replace', 'merge'])
  const rules = treeRules(options)
  const located = locateTarget(target, fs)
  if (fs.existsSync(join(located.controlFolder, JOURNAL_NAME))) await recoverTarget(target, options)
  const mode = options.mode ?? 'new'
  const reading = readTarget(located, mode, fs, rules)
  const planner = new Planner(rules, mode, reading, options)
  await planner.readSource(source)
  const outline = planner.finish()
  return {
    schemaVersion: 1,
    target: located.path,
    mode,
    selective: options.only !== undefined,
    ...rules,
    ...outline,
    space: measureSpace(outline.totals, located, fs),
    omissions: [...source.omissions],
    targetFingerprint: reading.fingerprint,
  }
}
