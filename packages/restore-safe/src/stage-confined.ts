import { type ArcError, type EntryPath, type EntrySource, isArcError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import type { AttributeRules } from './attribute-rules.ts'
import { AttributeNotes, toldAttributes } from './confined-attributes.ts'
import type { ConfinedPlaces } from './confined-places.ts'
import type { ConfinedFolder, ConfinedReport } from './confined-report.ts'
import { type JobOptions, type TreeOptions, treeRules } from './options.ts'
import { pathFileSystem } from './path-file-system.ts'
import { linkLeadsOut, RestoreTree, type TreeFolder } from './restore-tree.ts'
import { Staging } from './staging.ts'
import { actsUnasked } from './unasked-files.ts'

/** Options of {@link stageConfined}. */
export interface StageConfinedOptions extends TreeOptions, Pick<JobOptions, 'signal' | 'fs'> {}

const MAX_NAME_LENGTH = 1024

/**
 * The half of a restore that touches the source's bytes: write its files and folders into `folder`, which must not exist,
 * note in `attributes` what owners and extended attributes the files are to have, where that is asked for, and say what is
 * still to do. For a process that Node's permission model lets write there and nowhere else; the other half is
 * `restoreConfined`. The errors of `restoreNew`.
 */
export async function stageConfined(
  source: EntrySource,
  { folder, attributes }: Pick<ConfinedPlaces, 'folder' | 'attributes'>,
  options: StageConfinedOptions = {},
): Promise<ConfinedReport> {
  const asked = { owners: options.owners === true, xattrs: options.xattrs === true }
  // Whether they can be set is for the other half to know.
  const rules = treeRules({ ...options, owners: false, xattrs: false })
  const tree = new RestoreTree({ ...rules, ...asked })
  const fs = pathFileSystem(options.fs ?? nodeFileSystem)
  const { limits } = rules
  const { signal } = options
  const staging = new Staging(folder, tree, { fs, limits, oldRoot: folder, kept: 'copy', rules, signal })
  using notes = asked.owners || asked.xattrs ? new AttributeNotes(attributes, asked, fs) : undefined
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
        if (entry.type === 'file') notes?.add(entry)
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
  notes?.flush()
  const { counts, writer } = staging
  return {
    name: source.name.slice(0, MAX_NAME_LENGTH),
    rootMode: source.rootMode,
    folders: tree.folders.map(({ path, mode, ...rest }) => ({ path, mode, ...plainFacts(rest, asked) })),
    links: tree.links.map(({ path, target, ...rest }) => ({ path, target, ...plainFacts(rest, asked) })),
    hardLinks: counts.hardLinks,
    verifiedFiles: writer.verifiedFiles,
    droppedSetId: tree.droppedSetId,
    omissions: source.omissions,
    unasked,
  }
}

/** What folders and links have besides, as plain data. */
function plainFacts(
  { mtimeNs, attributes }: Pick<TreeFolder, 'mtimeNs' | 'attributes'>,
  asked: AttributeRules,
): Pick<ConfinedFolder, 'mtimeNs' | 'attributes'> {
  return { mtimeNs: mtimeNs?.toString(), attributes: toldAttributes(attributes, asked) }
}
