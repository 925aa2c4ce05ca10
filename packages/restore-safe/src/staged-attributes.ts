import {
  type Entry,
  type EntryPath,
  errnoOf,
  type ExtendedAttribute,
  isOwnerRefusal,
  isPrivilegedXattr,
  type Owner,
  printablePath,
  systemCallError,
} from '@arc/core'
import { type FileSystem, XattrBatch, XattrTools } from '@arc/core/node'
import { type AttributeRules, OwnerMap } from './attribute-rules.ts'
import type { AttributeReport, UnsetAttribute } from './plan.ts'
import { SET_ID } from './restore-tree.ts'

/**
 * Gives what a restore has staged its owners and extended attributes: the owner first, because changing it clears set-id bits
 * and capabilities; then the attributes, while the path can be written to; its mode last. What the system does not allow is
 * listed, not an error. Every attribute that is said to be set has been read back.
 */
export class StagedAttributes {
  readonly #counts = { owners: 0, xattrs: 0 }
  readonly #dropped: UnsetAttribute[] = []
  readonly #failed: UnsetAttribute[] = []
  readonly #owners: OwnerMap | undefined
  readonly #batch: XattrBatch | undefined
  readonly #takesPrivileged: boolean
  readonly #droppedSetId: EntryPath[]

  /** `undefined` when the rules ask for no attributes. `droppedSetId` takes paths that lose their set-id bits here. */
  static for(
    root: string,
    rules: AttributeRules,
    droppedSetId: EntryPath[],
    fs: FileSystem,
  ): StagedAttributes | undefined {
    if (rules.owners !== true && rules.xattrs !== true) return undefined
    return new StagedAttributes(root, rules, droppedSetId, fs)
  }

  private constructor(root: string, rules: AttributeRules, droppedSetId: EntryPath[], fs: FileSystem) {
    this.#owners = rules.owners === true ? new OwnerMap(rules) : undefined
    this.#batch = rules.xattrs === true ? new XattrBatch(root, XattrTools.find(), fs) : undefined
    this.#takesPrivileged = rules.privilegedXattrs === true
    this.#droppedSetId = droppedSetId
  }

  /** What became of everything that was settled and flushed. */
  get report(): AttributeReport {
    return { ...this.#counts, dropped: this.#dropped, failed: this.#failed }
  }

  /** Settle the owner of a path by `chown`, and note its extended attributes for later. Returns the mode it is to have now. */
  settle(
    { path, type, attributes }: Pick<Entry, 'path' | 'type' | 'attributes'>,
    mode: number,
    chown: (uid: number, gid: number) => void,
  ): number {
    const settled = this.#settleOwner(path, attributes?.owner, mode, chown)
    if (this.#batch === undefined || attributes?.xattrs === undefined) return settled
    const xattrs = this.#chosen(path, attributes.xattrs)
    if (type === 'file') return this.#batch.addFile(path, xattrs, settled)
    this.#batch.add(path, xattrs)
    return settled
  }

  /** Set what has been noted, once there is enough of it. */
  flushIfDue(): void {
    if (this.#batch?.isFull === true) this.flush()
  }

  /** Set what has been noted. */
  flush(): void {
    this.#batch?.flush((path, { name: attribute }, isSet) => {
      if (isSet) this.#counts.xattrs++
      else this.#failed.push({ path, attribute, reason: 'the system or its file system does not take it' })
    })
  }

  #settleOwner(
    path: EntryPath,
    owner: Owner | undefined,
    mode: number,
    chown: (uid: number, gid: number) => void,
  ): number {
    if (this.#owners === undefined || owner === undefined) return mode
    const { uid, gid } = this.#owners.idsOf(owner)
    try {
      chown(uid, gid)
      this.#counts.owners++
      return mode
    } catch (error) {
      if (!isOwnerRefusal(error)) throw systemCallError(error, 'set the owner of', printablePath(path))
      const reason = `the system refused owner ${uid}:${gid} (${errnoOf(error)})`
      this.#failed.push({ path, attribute: 'owner', reason })
    }
    if ((mode & SET_ID) === 0) return mode
    this.#droppedSetId.push(path)
    return mode & ~SET_ID
  }

  #chosen(path: EntryPath, xattrs: readonly ExtendedAttribute[]): readonly ExtendedAttribute[] {
    if (this.#takesPrivileged) return xattrs
    return xattrs.filter((xattr) => {
      if (!isPrivilegedXattr(xattr)) return true
      this.#dropped.push({ path, attribute: xattr.name, reason: 'its namespace was not asked for' })
      return false
    })
  }
}
