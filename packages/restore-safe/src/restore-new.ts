import { type ArcError, type EntrySource, isArcError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { withLockedTarget } from './locked-target.ts'
import { type RestoreNewOptions, treeRules } from './options.ts'
import type { RestoreResult } from './plan.ts'
import { StagedRestore } from './staged-restore.ts'
import { putInPlace } from './swap-job.ts'
import { locateTarget } from './target.ts'
import { readTarget } from './target-reading.ts'

/**
 * Restore to a target that does not exist or is empty, in one pass over the source. Nothing can be lost there, so there is
 * nothing to preview, and a source that can be read only once will do. As safe as `applyRestore`, and the same errors;
 * `ARC_TARGET_NOT_EMPTY` when something is there.
 */
export async function restoreNew(
  source: EntrySource,
  target: string,
  options: RestoreNewOptions = {},
): Promise<RestoreResult> {
  const fs = options.fs ?? nodeFileSystem
  const rules = treeRules(options)
  const located = locateTarget(target, fs)
  return withLockedTarget(located, options, async (recovery) => {
    const { state } = readTarget(located, 'new', fs)
    const staged = new StagedRestore({
      ...options,
      fs,
      target: located,
      rules,
      old: state,
    })
    await stageSelected(staged, source, options)
    staged.finish(source.rootMode)
    putInPlace(located, state, { ...options, fs, mode: 'new', replacedBy: source.name })
    return { ...staged.report(), target: located.path, mode: 'new', omissions: [...source.omissions], recovery }
  })
}

async function stageSelected(
  staged: StagedRestore,
  source: EntrySource,
  { only, signal }: RestoreNewOptions,
): Promise<void> {
  let mismatch: ArcError | undefined
  for await (const batch of source.entries({ signal })) {
    if (mismatch !== undefined) continue
    staged.beginBatch()
    try {
      for (const entry of batch) {
        if (only !== undefined && !only(entry.path)) {
          staged.hint(entry)
          continue
        }
        const pending = staged.add(entry)
        if (pending !== undefined) await pending
      }
    } catch (error) {
      // A source that is read once may know only at its end that it is damaged, and where: it gets to say so.
      if (source.access !== 'sequential' || !isArcError(error) || error.code !== 'ARC_HASH_MISMATCH') throw error
      mismatch = error
    }
  }
  if (mismatch !== undefined) throw mismatch
}
