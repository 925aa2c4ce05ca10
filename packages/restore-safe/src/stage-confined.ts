import { type ArcError, type EntryPath, type EntrySource, isArcError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import type { ConfinedReport } from './confined-report.ts'
import { type JobOptions, type TreeOptions, treeRules } from './options.ts'
import { pathFileSystem } from './path-file-system.ts'
import { linkLeadsOut, RestoreTree } from './restore-tree.ts'
import { Staging } from './staging.ts'
import { actsUnasked } from './unasked-files.ts'

/** Options of {@link stageConfined}. */
export interface StageConfinedOptions extends TreeOptions, Pick<JobOptions, 'signal' | 'fs'> {}

const MAX_NAME_LENGTH = 1024

/**
 * The half of a restore that touches the source's bytes: write its files and folders into `folder`, which must not exist,
 * and say what is still to do. For a process that Node's permission model lets write there and nowhere else; the other
 * half is `restoreConfined`. The errors of `restoreNew`.
 */
export async function stageConfined(
  source: EntrySource,
  folder: string,
  options: StageConfinedOptions = {},
): Promise<ConfinedReport> {
  const rules = treeRules(options)
  const tree = new RestoreTree(rules)
  const fs = pathFileSystem(options.fs ?? nodeFileSystem)
  const { limits } = rules
  const { signal } = options
  const staging = new Staging(folder, tree, { fs, limits, oldRoot: folder, kept: 'copy', rules: {}, signal })
  const unasked: EntryPath[] = []
  let mismatch: ArcError | undefined
  for await (const batch of source.entries({ signal })) {
    if (mismatch !== undefined) continue
    staging.forgetUmask()
    try {
      for (const entry of batch) {
        if (options.only?.(entry.path) === false) {
          tree.hint(entry)
          continue
        }
        const pending = staging.add(entry)
        if (pending !== undefined) await pending
        if (entry.type !== 'directory' && actsUnasked(entry.path)) unasked.push(entry.path)
      }
    } catch (error) {
      // A source that is read once may know only at its end that it is damaged, and where: it gets to say so.
      if (source.access !== 'sequential' || !isArcError(error) || error.code !== 'ARC_HASH_MISMATCH') throw error
      mismatch = error
    }
  }
  if (mismatch !== undefined) throw mismatch
  const [outward] = rules.links === 'inside' ? tree.outwardLinks() : []
  if (outward !== undefined) throw linkLeadsOut(outward)
  const { counts, writer } = staging
  return {
    name: source.name.slice(0, MAX_NAME_LENGTH),
    folders: tree.folders.map(({ path, mode, mtimeNs }) => ({ path, mode, mtimeNs: mtimeNs?.toString() })),
    links: tree.links.map(({ path, target, mtimeNs }) => ({ path, target, mtimeNs: mtimeNs?.toString() })),
    hardLinks: counts.hardLinks,
    verifiedFiles: writer.verifiedFiles,
    droppedSetId: tree.droppedSetId,
    omissions: source.omissions,
    unasked,
  }
}
