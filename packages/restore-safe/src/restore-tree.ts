import {
  ArcError,
  assertSafePath,
  decodePath,
  encodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type Limits,
  PathMap,
  printablePath,
} from '@arc/core'
import { AttributeGuard, type AttributeRules } from './attribute-rules.ts'
import { LinkJudge } from './link-judge.ts'
import { foldPath } from './name-fold.ts'
import type { LinkPolicy, OutwardLink } from './plan.ts'

/** A folder of the tree that is being built. */
export interface TreeFolder {
  readonly kind: 'directory'
  readonly path: EntryPath
  readonly parent: TreeFolder | undefined
  /** Only the names of other entries tell of it, so far. */
  implied: boolean
  mode: number
  mtimeNs: bigint | undefined
  attributes: EntryAttributes | undefined
}

/** A symlink of the tree that is being built. */
export interface TreeLink {
  readonly kind: 'symlink'
  readonly path: EntryPath
  readonly parent: TreeFolder
  readonly target: EntryPath
  readonly mtimeNs: bigint | undefined
  readonly attributes: EntryAttributes | undefined
}

/** A file that may have further names. */
interface FirstName {
  readonly kind: 'file'
  readonly path: EntryPath
  readonly sizeBytes: number
  readonly sha256: string | undefined
}

/** A file. One whose identity is its own path is found by that, without a register of identities. */
type TreeFile = FirstName | { readonly kind: 'file'; readonly path?: undefined }

/** Most files need no node of their own: that the name is taken is all the tree must know. */
const FILE: TreeFile = { kind: 'file' }

export type TreeNode = TreeFolder | TreeLink | TreeFile

/** What a tree accepts. */
export interface TreeRules extends AttributeRules {
  readonly links: LinkPolicy
  readonly setId: boolean
  readonly portable: boolean
  readonly limits: Readonly<Limits>
}

export const SET_ID = 0o6000
const IMPLIED_MODE = 0o755

/**
 * The paths of one restore, in memory. It is the only judge of what may be written where: one entry per path, no entry
 * below anything but a folder, and links judged by what this tree holds, never by what a disk holds.
 */
export class RestoreTree {
  readonly root: TreeFolder = newFolder('' as EntryPath, undefined, false)
  /** Every folder but the root, parents before children. */
  readonly folders: TreeFolder[] = []
  readonly links: TreeLink[] = []
  readonly #sourceLinks: TreeLink[] = []
  readonly #firstNames = new Map<string, FirstName>()
  readonly droppedSetId: EntryPath[] = []
  readonly #rules: TreeRules
  readonly #platform: 'posix' | 'windows'
  readonly #nodes = new PathMap<TreeNode>()
  /** The folder that was asked for last; most entries lie in it, too. */
  #lastFolder: TreeFolder = this.root
  readonly #hints = new Map<EntryPath, Pick<Entry, 'mode' | 'mtimeNs' | 'attributes'>>()
  readonly #folded: Map<string, EntryPath> | undefined
  #pathCount = 0
  #pathLength = 0
  readonly #attributes: AttributeGuard

  constructor(rules: TreeRules) {
    this.#rules = rules
    this.#attributes = new AttributeGuard(rules, rules.limits)
    this.#platform = rules.portable ? 'windows' : 'posix'
    this.#nodes.set('', this.root)
    this.#folded = rules.portable ? new Map() : undefined
  }

  /**
   * Take an entry of the source into the tree; returns the permission bits it is to have. Throws `ARC_PATH_UNSAFE`,
   * `ARC_ENTRY_DUPLICATE` or `ARC_LIMIT_EXCEEDED`, and then has not taken it.
   */
  add(entry: Entry): number {
    this.#checkPath(entry.path)
    this.#attributes.check(entry)
    const mode = this.#modeOf(entry)
    if (entry.type === 'directory') this.#addFolder(entry, mode)
    else if (entry.type === 'symlink') this.#addLink(entry)
    else if (entry.type === 'file') this.#addFile(entry)
    else throw unsafe(entry.path, `it is a ${String(entry.type)}, which is never restored`)
    if (mode !== entry.mode && (entry.mode & SET_ID) !== 0) this.droppedSetId.push(entry.path)
    return mode
  }

  /**
   * The path of the first file with the identity that `file` has; `undefined` when that is itself, or it has none. Throws
   * `ARC_ENTRY_CHANGED` when the two cannot be one file.
   */
  firstName(file: Entry): EntryPath | undefined {
    const { hardLink } = file
    if (hardLink === undefined) return undefined
    const first = this.#isFirstElsewhere(hardLink) ? this.#firstNames.get(hardLink) : this.#ownFirst(hardLink)
    if (first === undefined) {
      this.#firstNames.set(hardLink, firstNameOf(file))
      return undefined
    }
    if (first.path === file.path) return undefined
    if (first.sizeBytes !== file.sizeBytes || first.sha256 !== file.sha256) throw notOneFile(first.path, file.path)
    return first.path
  }

  /** Take a path of the old target that stays. It was there, so its mode and where its links lead are not judged. */
  keep(entry: Entry): void {
    if (entry.type === 'directory') this.#addFolder(entry, entry.mode)
    else if (entry.type === 'symlink') this.#placeLink(entry)
    else this.#place(entry.path, FILE)
  }

  /** What a folder is to look like in case only the names of other entries tell of it. The first hint counts. */
  hint(folder: Entry): void {
    if (folder.type !== 'directory' || this.#hints.has(folder.path)) return
    const { mode, mtimeNs, attributes } = folder
    this.#hints.set(folder.path, { mode: this.#rules.setId ? mode : mode & ~SET_ID, mtimeNs, attributes })
    const node = this.#nodes.get(folder.path)
    if (node?.kind === 'directory' && node.implied) this.#applyHint(node)
  }

  /** What has the name, if anything. */
  find(path: EntryPath): TreeNode | undefined {
    return this.#nodes.get(path)
  }

  /** The links of the source that lead out of the tree; to be asked once the tree is complete. */
  outwardLinks(): OutwardLink[] {
    const judge = new LinkJudge(this.#platform, this.#nodes)
    const found: OutwardLink[] = []
    for (const link of this.#sourceLinks) if (judge.leadsOut(link)) found.push({ path: link.path, target: link.target })
    return found
  }

  #checkPath(path: EntryPath): void {
    assertSafePath(path, { platform: this.#platform, limits: this.#rules.limits })
    assertOneSpelling(path, path)
  }

  #modeOf(entry: Entry): number {
    const mode = entry.mode & 0o7777
    return this.#rules.setId ? mode : mode & ~SET_ID
  }

  #addFolder(entry: Entry, mode: number): void {
    const known = this.#nodes.get(entry.path)
    if (known?.kind === 'directory' && !known.implied) throw duplicate(entry.path, 'is there twice')
    const folder = known?.kind === 'directory' ? known : this.#newFolder(entry.path)
    folder.implied = false
    folder.mode = mode
    folder.mtimeNs = entry.mtimeNs
    folder.attributes = entry.attributes
  }

  #addFile(entry: Entry): void {
    const isOwnFirst = entry.hardLink === entry.path && !this.#isFirstElsewhere(entry.path)
    this.#place(entry.path, isOwnFirst ? firstNameOf(entry) : FILE)
  }

  /** Whether the identity was met on a file of another path. A look into a map is dear, and mostly there is none. */
  #isFirstElsewhere(hardLink: string): boolean {
    return this.#firstNames.size > 0 && this.#firstNames.has(hardLink)
  }

  #ownFirst(hardLink: string): FirstName | undefined {
    const node = this.#nodes.get(hardLink)
    return node?.kind === 'file' && node.path !== undefined ? node : undefined
  }

  #addLink(entry: Entry): void {
    const { target } = entry
    if (this.#rules.links === 'refuse') throw unsafe(entry.path, 'it is a symlink, and symlinks are refused')
    if (target === undefined || target === '' || target.includes('\0'))
      throw unsafe(entry.path, 'its link target is no path')
    assertOneSpelling(entry.path, target)
    const { maxTargetBytes } = this.#rules.limits
    if (target.length * 3 > maxTargetBytes && encodePath(target).length > maxTargetBytes)
      throw limitExceeded(entry.path, 'maxTargetBytes', maxTargetBytes)
    this.#sourceLinks.push(this.#placeLink(entry))
  }

  #placeLink(entry: Entry): TreeLink {
    const parent = this.#parentOf(entry.path)
    const link: TreeLink = {
      kind: 'symlink',
      path: entry.path,
      parent,
      target: entry.target as EntryPath,
      mtimeNs: entry.mtimeNs,
      attributes: entry.attributes,
    }
    this.#place(entry.path, link)
    this.links.push(link)
    return link
  }

  #place(path: EntryPath, node: TreeNode): void {
    this.#parentOf(path)
    const there = this.#nodes.get(path)
    if (there !== undefined)
      throw duplicate(path, there.kind === node.kind ? 'is there twice' : `is both a ${there.kind} and a ${node.kind}`)
    this.#checkCollision(path)
    // Folders that are only implied count too: a thousand of them fit into one path.
    const { maxEntries, maxTotalPathLength } = this.#rules.limits
    if (++this.#pathCount > maxEntries) throw limitExceeded(path, 'maxEntries', maxEntries)
    this.#pathLength += path.length + (node.kind === 'symlink' ? node.target.length : 0)
    if (this.#pathLength > maxTotalPathLength) throw limitExceeded(path, 'maxTotalPathLength', maxTotalPathLength)
    this.#nodes.set(path, node)
  }

  #newFolder(path: EntryPath): TreeFolder {
    const folder = newFolder(path, this.#parentOf(path), true)
    this.#place(path, folder)
    this.folders.push(folder)
    this.#applyHint(folder)
    return folder
  }

  #applyHint(folder: TreeFolder): void {
    const hint = this.#hints.get(folder.path)
    if (hint === undefined) return
    folder.mode = hint.mode
    folder.mtimeNs = hint.mtimeNs
    folder.attributes = hint.attributes
  }

  /** The folder that holds `path`; made, with those above it, when nothing has told of it yet. Not recursive: depth is input. */
  #parentOf(path: EntryPath): TreeFolder {
    const slash = path.lastIndexOf('/')
    if (slash < 0) return this.root
    const last = this.#lastFolder
    if (last.path.length === slash && path.startsWith(last.path)) return last
    return (this.#lastFolder = this.#folderAt(path.slice(0, slash)))
  }

  #folderAt(folderPath: string): TreeFolder {
    const missing: string[] = []
    let at = folderPath
    while (!this.#isFolder(at)) {
      missing.push(at)
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
    }
    for (const folder of missing.reverse()) this.#newFolder(folder as EntryPath)
    return this.#nodes.get(folderPath) as TreeFolder
  }

  #isFolder(path: string): boolean {
    return this.#nodes.get(path)?.kind === 'directory'
  }

  #checkCollision(path: EntryPath): void {
    if (this.#folded === undefined) return
    const key = foldPath(path)
    const twin = this.#folded.get(key)
    if (twin !== undefined) throw duplicate(path, `differs from ${printablePath(twin)} only in case or Unicode form`)
    this.#folded.set(key, path)
  }
}

function newFolder(path: EntryPath, parent: TreeFolder | undefined, implied: boolean): TreeFolder {
  return { kind: 'directory', path, parent, implied, mode: IMPLIED_MODE, mtimeNs: undefined, attributes: undefined }
}

function firstNameOf({ path, sizeBytes, sha256 }: Entry): FirstName {
  return { kind: 'file', path, sizeBytes, sha256 }
}

/** Escaped bytes may spell what has a spelling of its own; then one name would have two keys. */
function assertOneSpelling(path: EntryPath, text: EntryPath): void {
  if (!text.isWellFormed() && decodePath(encodePath(text)) !== text)
    throw unsafe(path, 'it spells valid UTF-8 as if it were not')
}

function unsafe(path: EntryPath, why: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_PATH_UNSAFE', `${shown} cannot be restored: ${why}`, {
    path: shown,
    hint: 'Nothing was written. Do not trust this input; ask whoever made it.',
  })
}

/** Refusal of a symlink that leads out of the target. */
export function linkLeadsOut(link: OutwardLink): ArcError {
  const shown = printablePath(link.path)
  return new ArcError(
    'ARC_PATH_UNSAFE',
    `${shown} is a symlink that leads out of the target, to ${printablePath(link.target)}`,
    {
      path: shown,
      hint: 'If you trust this source, ask for its links to be kept as they are.',
      details: { problem: 'outward-link', target: link.target },
    },
  )
}

/** Refusal of a second entry for one path. */
export function duplicate(path: EntryPath, how: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_DUPLICATE', `${shown} ${how}`, {
    path: shown,
    hint: 'Nothing was written: which of the two is meant cannot be known.',
  })
}

/** Refusal of more than a limit allows. */
export function limitExceeded(path: EntryPath, limit: keyof Limits, value: number): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_LIMIT_EXCEEDED', `${shown} is more than the limit allows (${limit}: ${value})`, {
    path: shown,
    hint: 'If you trust this source, raise the limit.',
    details: { limit, value },
  })
}

function notOneFile(first: EntryPath, second: EntryPath): ArcError {
  const message = `${printablePath(second)} is said to be another name of ${printablePath(first)}, but their contents differ`
  return new ArcError('ARC_ENTRY_CHANGED', message, { path: printablePath(second), hint: 'Read the source again.' })
}
