import type { BigIntStats } from 'node:fs'
import { decodePath, encodePath, type Entry, type EntryPath, type Omission, systemCallError } from '@arc/core'
import { localPath, type LocalRoot } from '@arc/core/node'
import type { FolderMarkers } from './folder-markers.ts'
import type { GitListing } from './git-listing.ts'
import { type IgnoreReader, infoExcludeFile, isIgnored, type RuleChain, withRules } from './ignore-files.ts'
import { type EntryContext, follow, isFolder, isSymlink, localEntry, lstat, systemOmission } from './local-entry.ts'
import type { OwnOutput } from './own-output.ts'
import { filtered, type Selection } from './selection.ts'

/** What one walk goes by. */
export interface Walk extends EntryContext {
  readonly at: LocalRoot
  readonly selection: Selection
  readonly ownOutput: OwnOutput
  readonly followSymlinks: boolean
  /** False: no rule holds but those of {@link ignoreFiles}. */
  readonly ignoreRules: boolean
  /** What is listed, when git says what is; of what is not, nothing is given. */
  readonly listing?: GitListing | undefined
  /** False: folders and files named `.git` are passed by. */
  readonly gitFolders: boolean
  /** The user's own ignore file. */
  readonly userExcludes?: string | undefined
  /** Names of the ignore files of a folder, weakest first. */
  readonly ignoreFiles: readonly string[]
  /** The only file system whose folders are entered. */
  readonly device: bigint | undefined
  readonly markers: FolderMarkers
  /** Counts what ignore rules keep out, a folder as one. */
  ignoredCount: number
}

/**
 * Everything below the root in byte order of path; or the folder `start` of it, which is a symlink being followed, and
 * everything below that. A folder comes before what it holds, though names may stand between them: `a`, `a-b`, `a/c`, for
 * `-` is less than `/`. Throws when the root cannot be read.
 */
export function* walk(job: Walk, start?: EntryPath): Generator<Entry | Omission, void, void> {
  const walker = new Walker(job)
  if (start === undefined) walker.begin()
  else walker.beginAt(start)
  for (;;) {
    if (walker.found.length > 0) yield* walker.found.splice(0)
    const next = walker.step()
    if (next === END) return
    if (next !== undefined) yield next
  }
}

const END = Symbol('end')

/** A folder being read. */
interface Folder {
  /** `''` for the root, else the path and a slash: once as bytes, once as text. */
  readonly bytePrefix: string
  readonly prefix: string
  /** Names to come, last first, as byte strings; one with a slash at its end stands for the contents of that folder. */
  readonly names: string[]
  readonly rules: RuleChain | undefined
  /** What identifies the folder on its disk, while symlinks are followed. */
  readonly identity: string | undefined
  /** Whether everything in it is given, whatever git lists. */
  readonly isWhole: boolean
  readonly outer: Folder | undefined
}

// A name read as Latin-1 is a byte string: its default order is byte order, and what is not UTF-8 is not lost.
const AS_BYTES = { encoding: 'latin1' } as const
const NOT_ASCII = /[^\x00-\x7f]/

function decodeName(name: string): string {
  return NOT_ASCII.test(name) ? decodePath(Buffer.from(name, 'latin1')) : name
}

function encodeName(name: string): string {
  return NOT_ASCII.test(name) ? Buffer.from(encodePath(name as EntryPath)).toString('latin1') : name
}

class Walker {
  /** What was found out besides the next path: to be given first. */
  readonly found: Omission[] = []
  readonly #job: Walk
  readonly #reader: IgnoreReader
  #folder: Folder | undefined

  constructor(job: Walk) {
    this.#job = job
    this.#reader = { fs: job.at.fs, root: job.at.root, onOmission: (omission) => this.found.push(omission) }
  }

  begin(): void {
    const { userExcludes, ignoreRules } = this.#job
    const user =
      ignoreRules && userExcludes !== undefined
        ? withRules(this.#reader, userExcludes, 0, undefined, { followLink: true })
        : undefined
    this.#enter('', '', user, undefined)
  }

  beginAt(start: EntryPath): void {
    const names = start.split('/')
    const last = names.pop() as string
    let folder: Folder | undefined
    for (let count = 0; count <= names.length; count++) {
      const prefix = names
        .slice(0, count)
        .map((name) => `${name}/`)
        .join('')
      const identity = this.#identity(prefix.slice(0, -1) as EntryPath)
      folder = {
        prefix,
        bytePrefix: encodeName(prefix),
        names: [],
        rules: undefined,
        identity,
        isWhole: true,
        outer: folder,
      }
    }
    folder?.names.push(encodeName(last))
    this.#folder = folder
  }

  /** The next path; `undefined` when the step gave none. */
  step(): Entry | Omission | undefined | typeof END {
    const folder = this.#folder
    if (folder === undefined) return END
    const name = folder.names.pop()
    if (name === undefined) {
      this.#folder = folder.outer
      return undefined
    }
    if (!name.endsWith('/')) return this.#find(folder, name)
    const own = name.slice(0, -1)
    this.#enter(`${folder.prefix}${decodeName(own)}`, `${folder.bytePrefix}${own}`, folder.rules, folder)
    return undefined
  }

  #enter(path: string, bytePath: string, outerRules: RuleChain | undefined, outer: Folder | undefined): void {
    const { at, gitFolders, followSymlinks, markers } = this.#job
    const onDisk = path === '' ? at.root : localPath(at.root, path as EntryPath)
    let names: string[]
    let identity: string | undefined
    try {
      identity = followSymlinks ? this.#identity(path as EntryPath) : undefined
      names = at.fs.readdirSync(onDisk, AS_BYTES)
    } catch (error) {
      if (path === '') throw systemCallError(error, 'read', at.root)
      this.found.push(systemOmission(path as EntryPath, error, 'its contents: '))
      return
    }
    const prefix = path === '' ? '' : `${path}/`
    const bytePrefix = bytePath === '' ? '' : `${bytePath}/`
    const hasGit = names.includes('.git')
    const marker = markers.find(at, prefix, names)
    if (marker !== undefined && names.length > 1) {
      const detail = 'marks its folder: nothing else in it is read'
      this.found.push(filtered(`${prefix}${decodeName(marker)}` as EntryPath, detail))
      names = [marker]
    }
    const rules = this.#rulesOf(onDisk, prefix, bytePrefix, names, hasGit, outerRules)
    if (names.includes('.git') && !gitFolders) names.splice(names.indexOf('.git'), 1)
    const isWhole = outer?.isWhole === true || this.#isWhole(path)
    if (!isWhole) names = this.#listed(names, prefix)
    if (rules !== undefined) names = this.#withoutIgnored(names, rules, prefix, bytePrefix)
    if (names.length > 1) names.sort().reverse()
    this.#folder = { bytePrefix, prefix, names, rules, identity, isWhole, outer }
  }

  /** What `.git` holds is nothing that git lists; without the folder there would be no history. */
  #isWhole(path: string): boolean {
    const { listing } = this.#job
    return listing === undefined || listing.isWhole(path) || path === '.git' || path.endsWith('/.git')
  }

  #listed(names: readonly string[], prefix: string): string[] {
    const job = this.#job
    return names.filter((name) => {
      if (name === '.git' || job.listing?.has(`${prefix}${decodeName(name)}`) === true) return true
      job.ignoredCount++
      return false
    })
  }

  #rulesOf(
    onDisk: string | Buffer,
    prefix: string,
    bytePrefix: string,
    names: readonly string[],
    hasGit: boolean,
    outer: RuleChain | undefined,
  ): RuleChain | undefined {
    const { ignoreRules, ignoreFiles } = this.#job
    let rules = outer
    const baseLength = bytePrefix.length
    if (hasGit && ignoreRules) {
      rules = withRules(this.#reader, infoExcludeFile(this.#reader, onDisk), baseLength, rules, { followLink: true })
    }
    for (const file of ignoreFiles) {
      if (!names.includes(file)) continue
      const path = `${prefix}${file}` as EntryPath
      rules = withRules(this.#reader, localPath(this.#reader.root, path), baseLength, rules, {
        followLink: false,
        path,
      })
    }
    return rules
  }

  #withoutIgnored(names: readonly string[], rules: RuleChain, prefix: string, bytePrefix: string): string[] {
    return names.filter((name) => {
      const asFolder = (): boolean => this.#isFolder(`${prefix}${decodeName(name)}` as EntryPath)
      if (!isIgnored(rules, `${bytePrefix}${name}`, name, asFolder)) return true
      this.#job.ignoredCount++
      return false
    })
  }

  #isFolder(path: EntryPath): boolean {
    try {
      const stat = lstat(this.#job.at, path)
      return stat !== undefined && isFolder(stat)
    } catch {
      return false // told when its entry comes
    }
  }

  #find(folder: Folder, name: string): Entry | Omission | undefined {
    const job = this.#job
    const path = `${folder.prefix}${decodeName(name)}` as EntryPath
    if (job.ownOutput.has(path)) return { path, reason: 'own-output' }
    let stat: BigIntStats | undefined
    try {
      stat = lstat(job.at, path)
      if (job.followSymlinks && stat !== undefined && isSymlink(stat)) stat = follow(job.at, path) ?? stat
    } catch (error) {
      return systemOmission(path, error)
    }
    if (stat === undefined) return { path, reason: 'vanished' }
    const isDirectory = isFolder(stat)
    const excluded = job.selection.excludedBy(path, isDirectory)
    if (excluded !== undefined) return filtered(path, excluded)
    if (isDirectory) {
      if (job.followSymlinks && isAbove(folder, identityOf(stat))) {
        return { path, reason: 'link-loop', detail: 'leads to a folder above it' }
      }
      if (job.device === undefined || stat.dev === job.device) insert(folder.names, `${name}/`)
      else this.found.push(filtered(path, 'its contents are on another file system'))
    }
    const unwanted = job.selection.unwantedPath(path, isDirectory)
    if (unwanted !== undefined) return filtered(path, unwanted)
    return localEntry(job.at, path, stat, job)
  }

  #identity(path: EntryPath | ''): string {
    const { at } = this.#job
    return identityOf(at.fs.statSync(path === '' ? at.root : localPath(at.root, path), { bigint: true }))
  }
}

/** Put a folder's contents where their turn is among the names to come. */
function insert(names: string[], contents: string): void {
  let at = names.length
  while (at > 0 && (names[at - 1] as string) < contents) at--
  if (at === names.length) names.push(contents)
  else names.splice(at, 0, contents)
}

function isAbove(folder: Folder, identity: string): boolean {
  for (let above: Folder | undefined = folder; above !== undefined; above = above.outer) {
    if (above.identity === identity) return true
  }
  return false
}

function identityOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}`
}
