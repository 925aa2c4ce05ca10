import { type Dirent, constants, copyFileSync, type Stats } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { ArcError, comparePaths, type EntryPath, errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, isTemporaryName, makeFolders, temporaryPathFor, writeFully } from '@arc/core/node'
import { CONTROL_FOLDER, isReserved } from './storage-path.ts'
import type { ItemStat } from './store.ts'

const NO_KEYS: ReadonlySet<string> = new Set()

/** A plain file that waits for its name. */
export interface PreparedFile {
  readonly temporaryPath: string
  readonly path: string
  readonly stamp: string
}

/**
 * The plain files of a local store: what other programs see. A symlink is a file or folder of its own and never a way out:
 * removing one removes the link, and what leads out of the root is neither read nor written.
 */
export class WorkingTree {
  readonly root: string
  #knownRoot: string | undefined
  readonly #staging: string
  readonly #fs: FileSystem

  constructor(root: string, fs: FileSystem) {
    this.root = root
    this.#fs = fs
    this.#staging = join(root, CONTROL_FOLDER, 'staging')
  }

  path(key: string): string {
    return key === '' ? this.root : join(this.root, key)
  }

  /** The file at `key`, links followed as long as they stay inside; `undefined` when there is nothing. */
  stat(key: string): ItemStat | undefined {
    if (isReserved(key) || !this.#isInside(key)) return undefined
    return this.#describe(key)
  }

  /** Children of a folder in byte order; nothing for what is no folder. */
  list(folder: string): ItemStat[] {
    if (folder !== '' && this.stat(folder)?.type !== 'directory') return [] // a link to a folder is none
    let names: Dirent[]
    try {
      names = this.#fs.readdirSync(this.path(folder), { withFileTypes: true })
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return []
      throw systemCallError(error, 'list', this.path(folder))
    }
    const items: ItemStat[] = []
    for (const { name } of names) {
      const key = folder === '' ? name : `${folder}/${name}`
      if (isReserved(key) || isTemporaryName(name) || !name.isWellFormed()) continue
      const item = this.#describe(key)
      if (item !== undefined) items.push(item)
    }
    return items.sort((a, b) => comparePaths(a.key as EntryPath, b.key as EntryPath))
  }

  /** What tells this state of a file from any other; `null` when there is no plain file. */
  stamp(key: string): string | null {
    if (!this.#isInside(key)) return null
    const stat = this.#lstat(this.path(key))
    return stat?.isFile() === true ? stampOf(stat) : null
  }

  /** Open a file for reading. Throws `ARC_PATH_UNSAFE` where a link leads out. */
  open(key: string): { fd: number; sizeBytes: number } | undefined {
    if (isReserved(key)) return undefined
    if (!this.#isInside(key)) return undefined
    const path = this.path(key)
    try {
      const isLink = this.#fs.lstatSync(path).isSymbolicLink()
      if (isLink && !this.#contains(this.#fs.realpathSync(path))) throw leadsOut(key, this.root)
      // A pipe would block until somebody writes to it.
      const fd = this.#fs.openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stat = this.#fs.fstatSync(fd)
      if (stat.isFile()) return { fd, sizeBytes: stat.size }
      this.#fs.closeSync(fd)
      return undefined
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
      throw systemCallError(error, 'read', path)
    }
  }

  /**
   * Write a file that lacks only its name, with the mode of the plain file that it replaces, and as root its owner. What is
   * in the way of the name is found out now, unless it is known that a plain file is there. Keys that are `leaving` are
   * removed before the file gets its name.
   */
  prepare(
    key: string,
    content: Uint8Array | { path: string },
    { isThere = false, leaving = NO_KEYS }: { isThere?: boolean; leaving?: ReadonlySet<string> } = {},
  ): PreparedFile {
    const path = isThere ? this.path(key) : this.#place(key, leaving)
    const temporaryPath = temporaryPathFor(join(this.#staging, 'file'))
    return this.#attempt('write', path, () => {
      const replaced = this.#lstat(path)
      if (!(content instanceof Uint8Array)) copyFileSync(content.path, temporaryPath, constants.COPYFILE_FICLONE)
      const fd = this.#fs.openSync(temporaryPath, content instanceof Uint8Array ? 'wx' : 'r+', 0o666)
      try {
        const stat = this.#fs.fstatSync(fd)
        if (replaced?.isFile() === true) this.#giveRights(fd, stat, replaced)
        if (!(content instanceof Uint8Array)) return { temporaryPath, path, stamp: stampOf(stat) }
        writeFully(this.#fs, fd, content, 0)
        return { temporaryPath, path, stamp: stampOf(this.#fs.fstatSync(fd)) }
      } catch (error) {
        this.#fs.unlinkSync(temporaryPath)
        throw error
      } finally {
        this.#fs.closeSync(fd)
      }
    })
  }

  /** Who may do what with a file is not for Arc to change. */
  #giveRights(fd: number, stat: Stats, { mode, uid, gid }: Stats): void {
    if (isRoot() && (stat.uid !== uid || stat.gid !== gid)) this.#fs.fchownSync(fd, uid, gid)
    if (stat.mode !== mode) this.#fs.fchmodSync(fd, mode & 0o7777)
  }

  /** Where a file gets its name by renaming. */
  #place(key: string, leaving: ReadonlySet<string> = NO_KEYS): string {
    const path = this.path(key)
    const inTheWay = foldersOf(key).find((folder) => leaving.has(folder) && this.stamp(folder) !== null)
    this.#makeParents(inTheWay ?? key) // what is below a file that leaves is made when it has left
    const there = this.#lstat(path)
    if (there?.isDirectory() === true && !this.#givesWay(key, leaving))
      throw new ArcError(
        'ARC_TARGET_UNSUITABLE',
        `${printablePath(key)} is a folder, so no file can be written there`,
        {
          path: printablePath(key),
          hint: 'Choose another name.',
        },
      )
    return path
  }

  /**
   * Give `key` the bytes of `from`, which it equals: as a copy that shares them until it changes, else as a second name.
   * `undefined` when a second name would change who may do what with it.
   */
  shareFile(from: string, key: string): { method: 'reflink' | 'hardlink'; stamp: string } | undefined {
    const path = this.#place(key)
    const temporaryPath = temporaryPathFor(join(this.#staging, 'file'))
    const method = this.#attempt('share', path, () => {
      const [shared, replaced] = [this.#fs.lstatSync(this.path(from)), this.#fs.lstatSync(path)]
      try {
        copyFileSync(this.path(from), temporaryPath, constants.COPYFILE_FICLONE_FORCE)
        if (isRoot()) this.#fs.chownSync(temporaryPath, replaced.uid, replaced.gid)
        this.#fs.chmodSync(temporaryPath, replaced.mode & 0o7777)
        return 'reflink'
      } catch {
        if (rightsOf(shared) !== rightsOf(replaced)) return undefined
        this.#fs.linkSync(this.path(from), temporaryPath)
        return 'hardlink'
      }
    })
    if (method === undefined) return undefined
    const stamp = stampOf(this.#fs.lstatSync(temporaryPath))
    this.publish({ temporaryPath, path, stamp })
    return { method, stamp }
  }

  /** Whether keys that leave lay in a folder, and no other file does. */
  #givesWay(folder: string, leaving: ReadonlySet<string>): boolean {
    return [...leaving].some((key) => key.startsWith(`${folder}/`)) && this.#holdsOnly(folder, leaving)
  }

  #holdsOnly(folder: string, leaving: ReadonlySet<string>): boolean {
    return this.#fs.readdirSync(this.path(folder), { withFileTypes: true }).every((item) => {
      const key = `${folder}/${item.name}`
      return item.isDirectory() ? this.#holdsOnly(key, leaving) : leaving.has(key)
    })
  }

  publish({ temporaryPath, path }: PreparedFile): void {
    this.#attempt('replace', path, () => {
      try {
        this.#fs.renameSync(temporaryPath, path)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'ENOENT' || errno === 'EISDIR') {
          if (errno === 'ENOENT') makeFolders(dirname(path), { fs: this.#fs })
          else this.#removeEmptyFolders(path)
          return this.#fs.renameSync(temporaryPath, path)
        }
        if (errno !== 'EXDEV') throw error
        const beside = temporaryPathFor(path) // another file system is mounted on a folder below
        copyFileSync(temporaryPath, beside)
        const { uid, gid, mode } = this.#fs.statSync(temporaryPath)
        if (isRoot()) this.#fs.chownSync(beside, uid, gid)
        this.#fs.chmodSync(beside, mode & 0o7777)
        this.#fs.renameSync(beside, path)
        this.#fs.unlinkSync(temporaryPath)
      }
    })
  }

  #removeEmptyFolders(path: string): void {
    for (const name of this.#fs.readdirSync(path)) this.#removeEmptyFolders(join(path, name))
    this.#fs.rmdirSync(path)
  }

  discard({ temporaryPath }: PreparedFile): void {
    this.#fs.unlinkSync(temporaryPath)
  }

  /** Remove a file or a link, never what it points to. Nothing there is no error. */
  remove(key: string): void {
    if (!this.#isInside(key)) return
    try {
      this.#fs.unlinkSync(this.path(key))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw systemCallError(error, 'remove', this.path(key))
    }
  }

  makeFolder(folder: string): void {
    this.#makeParents(`${folder}/x`)
  }

  /** Remove a folder that is empty; one that is not stays. */
  removeFolder(folder: string): void {
    if (folder === '' || !this.#isInside(folder)) return
    try {
      this.#fs.rmdirSync(this.path(folder))
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT' && errno !== 'ENOTEMPTY') throw systemCallError(error, 'remove', this.path(folder))
    }
  }

  #describe(key: string): ItemStat | undefined {
    const path = this.path(key)
    let stat = this.#lstat(path)
    if (stat === undefined) return undefined
    const link = stat
    if (stat.isSymbolicLink()) {
      try {
        if (!this.#contains(this.#fs.realpathSync(path)))
          return problemItem(key, link, 'a link that leads out of the mount')
        stat = this.#fs.statSync(path)
      } catch {
        return problemItem(key, link, 'a link that leads nowhere')
      }
      // A folder that is a link is not entered: its files have names of their own, and it may be a loop.
      if (stat.isDirectory()) return problemItem(key, link, 'a link to a folder')
    }
    if (stat.isDirectory()) return { key, type: 'directory', sizeBytes: 0, modified: stat.mtime }
    if (!stat.isFile()) return problemItem(key, link, 'not a regular file')
    return { key, type: 'file', sizeBytes: stat.size, modified: stat.mtime }
  }

  /** `undefined` when nothing is there, also because a file is where a folder would have to be. */
  #lstat(path: string): Stats | undefined {
    try {
      return this.#fs.lstatSync(path, { throwIfNoEntry: false })
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') return undefined
      throw systemCallError(error, 'look at', path)
    }
  }

  #makeParents(key: string): void {
    const file = foldersOf(key).find((above) => this.#lstat(this.path(above))?.isFile() === true)
    if (file !== undefined) throw isFile(file)
    if (isReserved(key) || !this.#isInside(key, true)) throw leadsOut(key, this.root)
    const folder = dirname(this.path(key))
    this.#attempt('create', folder, () => makeFolders(folder, { fs: this.#fs }))
  }

  /** Whether the folder of a key, or what exists of it, lies inside the root when all links are followed. */
  #isInside(key: string, orAbove = false): boolean {
    for (let folder = dirname(this.path(key)); folder.length > this.root.length; folder = dirname(folder)) {
      try {
        return this.#contains(this.#fs.realpathSync(folder)) || fail(leadsOut(key, this.root))
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === undefined) throw error
        if (errno === 'ENOTDIR' && orAbove) throw systemCallError(error, 'create', folder)
        if (!orAbove) return false
      }
    }
    return true
  }

  #contains(realPath: string): boolean {
    const root = (this.#knownRoot ??= this.#fs.realpathSync(this.root))
    return realPath === root || realPath.startsWith(root.endsWith(sep) ? root : root + sep)
  }

  #attempt<T>(action: string, path: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, path)
    }
  }
}

/** The folders that a key lies in, the outermost first. */
function foldersOf(key: string): string[] {
  const segments = key.split('/')
  return segments.slice(1).map((_segment, at) => segments.slice(0, at + 1).join('/'))
}

function fail(error: ArcError): never {
  throw error
}

function isRoot(): boolean {
  return process.geteuid?.() === 0
}

function rightsOf({ mode, uid, gid }: Stats): string {
  return `${mode} ${uid} ${gid}`
}

function stampOf({ size, mtimeMs, ino }: Stats): string {
  return `${size}-${mtimeMs}-${ino}`
}

function problemItem(key: string, { mtime }: Stats, problem: string): ItemStat {
  return { key, type: 'file', sizeBytes: 0, modified: mtime, problem }
}

function isFile(key: string): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_TARGET_UNSUITABLE', `${shown} is a file, so nothing can be written below it`, {
    path: shown,
    hint: 'Choose another name, or delete the file first.',
  })
}

function leadsOut(key: string, root: string): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_PATH_UNSAFE', `${shown} is not inside ${printablePath(root)}`, {
    path: shown,
    hint: 'A folder on the way is a link that leads elsewhere, or the name is reserved. Nothing was read or written.',
  })
}
