import { type ExtendedAttribute, sameXattrs } from './attributes.ts'
import { type EntryPath, printablePath } from './entry-path.ts'
import { systemCallError } from './error.ts'
import { type FileSystem, localPath } from './file-system.ts'
import type { XattrRow, XattrTools } from './xattr-tools.ts'

/** So many paths, or bytes of attributes, are worth starting a program for. */
const FULL_ROWS = 2000
const FULL_BYTES = 4 * 1024 * 1024
/** Of a path that has still to be given its extended attributes: its owner must be able to write to it. */
const INTERIM_MODE = 0o600

interface Held extends XattrRow {
  /** What a file is to have in the end. */
  readonly mode: number | undefined
}

/** An extended attribute that was to be set, and whether it was there afterwards. */
export type XattrOutcome = (path: EntryPath, xattr: ExtendedAttribute, isSet: boolean) => void

/** Extended attributes of paths below a folder, to be set for many paths at once. */
export class XattrBatch {
  readonly #root: string
  readonly #tools: XattrTools
  readonly #fs: FileSystem
  #held: Held[] = []
  #heldBytes = 0

  constructor(root: string, tools: XattrTools, fs: FileSystem) {
    this.#root = root
    this.#tools = tools
    this.#fs = fs
  }

  /** True once it should be flushed, for the sake of memory. */
  get isFull(): boolean {
    return this.#held.length >= FULL_ROWS || this.#heldBytes >= FULL_BYTES
  }

  /** Note attributes of a file that is to have `mode`; returns the mode it must have until then. */
  addFile(path: EntryPath, xattrs: readonly ExtendedAttribute[], mode: number): number {
    if (xattrs.length === 0) return mode
    this.#add({ path, xattrs, mode })
    return INTERIM_MODE
  }

  /** Note attributes of a symlink, or of a folder that we may write to. */
  add(path: EntryPath, xattrs: readonly ExtendedAttribute[]): void {
    if (xattrs.length > 0) this.#add({ path, xattrs, mode: undefined })
  }

  /** Set all that was noted, read it back, then give files their modes. */
  flush(onOutcome: XattrOutcome): void {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    if (held.length === 0) return
    this.#tools.write(this.#root, held)
    const paths = held.map(({ path }) => path)
    const { xattrs: found } = this.#tools.read(this.#root, paths)
    for (const { path, xattrs, mode } of held) {
      const there = new Map(found.get(path)?.map((xattr) => [xattr.name, xattr]))
      for (const xattr of xattrs) {
        const same = there.get(xattr.name)
        onOutcome(path, xattr, same !== undefined && sameXattrs([xattr], [same]))
      }
      if (mode !== undefined) this.#setMode(path, mode)
    }
  }

  #add(row: Held): void {
    this.#held.push(row)
    for (const { name, value } of row.xattrs) this.#heldBytes += name.length + value.length
  }

  #setMode(path: EntryPath, mode: number): void {
    try {
      this.#fs.chmodSync(localPath(this.#root, path), mode)
    } catch (error) {
      throw systemCallError(error, 'set the mode of', printablePath(path))
    }
  }
}
