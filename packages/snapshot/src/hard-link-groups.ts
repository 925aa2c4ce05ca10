import { type EntryPath, type EntryType, pathProblem, printablePath } from '@arc/core'
import { EntryRows } from './entry-rows.ts'
import { damaged } from './problems.ts'
import { packReference, type Reference, REFERENCE_BYTES } from './reference.ts'

/** What the names of one inode have in common. */
export interface LinkedFile {
  readonly path: EntryPath
  readonly type: EntryType
  readonly mode: number
  readonly mtimeNs?: bigint | undefined
  readonly sizeBytes: number
  readonly reference: Reference | undefined
  /** The first of its names. */
  readonly hardLink?: string | undefined
}

/** Judges the hard links of one snapshot: what is said to be one file is written as one, so it must be one (vault-1, 7). */
export class HardLinkGroups {
  /** Row of the first file that came of each group, by link name. */
  readonly #firsts = new Map<string, number>()
  /** Kept as entries, a million of them would take hundreds of megabytes. */
  readonly #rows = new EntryRows()
  readonly #packed = Buffer.alloc(REFERENCE_BYTES)
  readonly #isWhole: boolean

  /** `isWhole`: every file of the snapshot comes by, in byte order of path. Else the first name of a group may be elsewhere. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  /** Throws `ARC_VAULT_DAMAGED` when a file is not what the other names of it are, or its first name is none. */
  admit(file: LinkedFile): void {
    const { hardLink, path } = file
    if (hardLink === undefined) return
    if (file.type !== 'file') throw problem(path, 'it has a link name, and is no file')
    const first = this.#firsts.get(hardLink)
    if (first === undefined) {
      if (hardLink !== path && (this.#isWhole || pathProblem(hardLink as EntryPath, ANY_LENGTH) !== undefined))
        throw problem(path, `its link name is ${printablePath(hardLink)}, which is not the first name of a file`)
      const { type, mode, mtimeNs, sizeBytes, reference } = file
      this.#firsts.set(hardLink, this.#rows.add({ path, type, mode, mtimeNs, sizeBytes }, reference))
    } else if (!this.#isOneFile(first, file)) {
      const other = printablePath(this.#rows.paths[first] as EntryPath)
      throw problem(path, `it is said to be one file with ${other}, which is another`)
    }
  }

  #isOneFile(row: number, { mode, mtimeNs, sizeBytes, reference }: LinkedFile): boolean {
    const rows = this.#rows
    if (rows.mode(row) !== mode || rows.mtimeNs(row) !== mtimeNs || rows.sizeBytes(row) !== sizeBytes) return false
    packReference(reference, this.#packed)
    return this.#packed.equals(rows.packedReference(row))
  }
}

const ANY_LENGTH = { limits: { maxDepth: Infinity, maxNameBytes: Infinity, maxPathBytes: Infinity } }

function problem(path: EntryPath, why: string): Error {
  return damaged(printablePath(path), why)
}
