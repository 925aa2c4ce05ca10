import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Entry, type EntryPath, printablePath } from '@arc/core'
import { attributesFromPlain, type FileSystem, localPath, nodeFileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { settleNotedFiles } from './confined-attributes.ts'
import type { ConfinedPlaces } from './confined-places.ts'
import { confinementBroken, type ConfinedFolder, type ConfinedReport, parseConfinedReport } from './confined-report.ts'
import { syncTree } from './durability.ts'
import { finishTree } from './finish-tree.ts'
import { withLockedTarget } from './locked-target.ts'
import { type JobOptions, type SwapOptions, type TreeOptions, treeRules } from './options.ts'
import type { OutwardLink, RestoreResult } from './plan.ts'
import { limitExceeded, linkLeadsOut, RestoreTree, type TreeRules } from './restore-tree.ts'
import { StagedAttributes } from './staged-attributes.ts'
import { putInPlace } from './swap-job.ts'
import { locateTarget } from './target.ts'
import { readTarget } from './target-reading.ts'
import { rootFacts } from './root-facts.ts'
import { scanTarget, type TargetScan } from './target-scan.ts'

/** Runs the process that fills the places, and resolves to what it says: a {@link ConfinedReport}, or anything at all. */
export type FillConfined = (places: ConfinedPlaces) => Promise<unknown>

/** Options of {@link restoreConfined}. */
export interface RestoreConfinedOptions
  extends Omit<TreeOptions, 'only'>, Pick<SwapOptions, 'durable'>, Omit<JobOptions, 'onProgress'> {}

/** What {@link restoreConfined} did. */
export interface ConfinedResult extends RestoreResult, Pick<ConfinedReport, 'unasked'> {}

/**
 * Restore to a target that does not exist or is empty, with all reading of the source's bytes, and all writing of files,
 * in another process, which `fill` starts with the right to write to the places it is given and nowhere else. This process
 * does the rest: it looks at what is really there, judges every path, mode, size and link of it as if it came from a
 * stranger, sets owners and extended attributes, makes the symlinks, makes it durable and puts it in place. The errors of `restoreNew`, those of `fill`, and
 * `ARC_CONFINEMENT_BROKEN` when what is there is not what was said.
 */
export async function restoreConfined(
  target: string,
  fill: FillConfined,
  options: RestoreConfinedOptions = {},
): Promise<ConfinedResult> {
  const fs = options.fs ?? nodeFileSystem
  const rules = treeRules(options)
  const located = locateTarget(target, fs)
  let unasked: ConfinedReport['unasked'] = []
  const result = await withLockedTarget(located, options, async (recovery) => {
    const { state } = readTarget(located, 'new', fs)
    // A new name each time: should this process be killed, what it had started can never meet a later restore.
    const name = `confined-${randomBytes(12).toString('hex')}`
    const spool = join(located.controlFolder, `${name}-spool`)
    const places = { folder: join(located.controlFolder, name), spool, attributes: join(spool, 'attributes') }
    attempt('create', places.spool, () => fs.mkdirSync(places.spool, 0o700))
    const report = parseConfinedReport(await fill(places))
    options.signal?.throwIfAborted()
    const scan = scanTarget(places.folder, fs)
    const { tree, ...counts } = judge(scan, report, rules)
    assertNoOtherNames(places.folder, scan, fs)
    const outwardLinks = outwardLinksOf(tree, rules)
    const attributes = StagedAttributes.for(places.folder, rules, tree.droppedSetId, fs)
    if (attributes !== undefined) settleNotedFiles(places, scan.entries, { attributes, rules, fs })
    finishTree(places.folder, tree, rootFacts(state, report.rootMode, rules), { fs, attributes })
    if (options.durable !== false)
      attempt('make durable', places.folder, () => syncTree(places.folder, scan.entries.length, fs))
    options.signal?.throwIfAborted()
    putInPlace(located, state, { ...options, fs, mode: 'new', replacedBy: report.name, incoming: name })
    ;({ unasked } = report)
    const { hardLinks, verifiedFiles, omissions } = report
    return {
      schemaVersion: 1,
      target: located.path,
      mode: 'new',
      ...counts,
      directories: tree.folders.length,
      symlinks: tree.links.length,
      hardLinks,
      verifiedFiles,
      outwardLinks,
      droppedSetId: [...report.droppedSetId, ...tree.droppedSetId],
      omissions,
      recovery,
      ...(attributes && { attributes: attributes.report }),
    }
  })
  return { ...result, unasked }
}

/** Put what is really there, and the links that are said to be missing, through the tree that judges every restore. */
function judge(
  { entries, specials }: TargetScan,
  report: ConfinedReport,
  rules: TreeRules,
): { tree: RestoreTree; files: number; writtenBytes: number } {
  const [special] = specials
  if (special !== undefined) throw confinementBroken(`it left a device or pipe, ${printablePath(special)}`)
  const tree = new RestoreTree(rules)
  const folders = new Map(report.folders.map((folder) => [folder.path, folder]))
  const inodes = new Set<string>()
  let [files, writtenBytes] = [0, 0]
  for (const entry of entries) {
    if (entry.type === 'directory') tree.add(asStated(entry, folders.get(entry.path)))
    else if (entry.type === 'file') {
      if (!rules.setId && (entry.mode & 0o6000) !== 0)
        throw confinementBroken(`it set a set-id bit on ${printablePath(entry.path)}`)
      files++
      tree.add(entry)
      if (entry.hardLink === undefined || !inodes.has(entry.hardLink)) writtenBytes += entry.sizeBytes
      if (entry.hardLink !== undefined) inodes.add(entry.hardLink)
      if (writtenBytes > rules.limits.maxTotalBytes)
        throw limitExceeded(entry.path, 'maxTotalBytes', rules.limits.maxTotalBytes)
    } else throw confinementBroken(`it made the symlink ${printablePath(entry.path)}`)
  }
  const made = tree.folders.length
  for (const link of report.links) {
    const { path, target } = link
    tree.add({ path, type: 'symlink', mode: 0o777, sizeBytes: target.length, target, ...statedFacts(link) })
  }
  if (tree.folders.length !== made || folders.size !== made)
    throw confinementBroken('it says of folders that it did not make')
  return { tree, files, writtenBytes }
}

function asStated(entry: Entry, stated: ConfinedFolder | undefined): Entry {
  if (stated === undefined) throw confinementBroken(`it says nothing of the folder ${printablePath(entry.path)}`)
  return { ...entry, mode: stated.mode, ...statedFacts(stated) }
}

function statedFacts({ mtimeNs, attributes }: ConfinedReport['links'][number] | ConfinedFolder): Partial<Entry> {
  return {
    mtimeNs: mtimeNs === undefined ? undefined : BigInt(mtimeNs),
    attributes: attributes && attributesFromPlain(attributes),
  }
}

/** A file with a name elsewhere would be changed there, too, and show what is there. */
function assertNoOtherNames(root: string, { entries }: TargetScan, fs: FileSystem): void {
  const names = new Map<string, { readonly path: EntryPath; count: number }>()
  for (const { path, hardLink } of entries) {
    if (hardLink === undefined) continue
    const known = names.get(hardLink)
    if (known === undefined) names.set(hardLink, { path, count: 1 })
    else known.count++
  }
  for (const { path, count } of names.values()) {
    const { nlink } = attempt('look at', path, () => fs.lstatSync(localPath(root, path)))
    if (nlink !== count) throw confinementBroken(`${printablePath(path)} has a name elsewhere, too`)
  }
}

function outwardLinksOf(tree: RestoreTree, rules: TreeRules): OutwardLink[] {
  const links = tree.outwardLinks()
  const [first] = links
  if (first !== undefined && rules.links === 'inside') throw linkLeadsOut(first)
  return links
}
