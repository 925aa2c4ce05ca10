import { type Entry, type EntryAttributes, isOwnerRefusal, isPrivilegedXattr } from '@arc/core'
import { type FileSystem, localPath, XattrBatch, XattrTools } from '@arc/core/node'

const SET_ID = 0o6000

/**
 * Gives a plain copy the owners and extended attributes of its source, as far as the system allows: what it does not, and what
 * could give a program rights, is in the manifest alone, which is what restores go by.
 */
export class CopiedAttributes {
  readonly #root: string
  readonly #fs: FileSystem
  #batch: XattrBatch | undefined

  constructor(root: string, fs: FileSystem) {
    this.#root = root
    this.#fs = fs
  }

  /** Settle an entry that has been written. Returns the mode it is to have now; with attributes still to come, not its own. */
  settle({ path, type, attributes }: Entry, mode: number): number {
    if (attributes === undefined) return mode
    const settled = this.#setOwner(path, attributes) ? mode : mode & ~SET_ID
    const xattrs = attributes.xattrs?.filter((xattr) => !isPrivilegedXattr(xattr)) ?? []
    if (xattrs.length === 0) return settled
    this.#batch ??= this.#newBatch()
    if (type === 'file') return this.#batch?.addFile(path, xattrs, settled) ?? settled
    this.#batch?.add(path, xattrs)
    return settled
  }

  /** Set what is still to be set; unless `always`, only when there is much of it. */
  flush({ always }: { always: boolean }): void {
    if (always || this.#batch?.isFull === true) this.#batch?.flush(() => {})
  }

  #newBatch(): XattrBatch | undefined {
    try {
      return new XattrBatch(this.#root, XattrTools.find(), this.#fs)
    } catch {
      return undefined // this machine cannot set any
    }
  }

  #setOwner(path: Entry['path'], { owner }: EntryAttributes): boolean {
    if (owner === undefined) return true
    try {
      this.#fs.lchownSync(localPath(this.#root, path), owner.uid, owner.gid)
      return true
    } catch (error) {
      if (isOwnerRefusal(error)) return false
      throw error
    }
  }
}
