import { type EntryPath, pathProblem, printablePath } from '@arc/core'
import { damaged } from './problems.ts'
import type { Reference } from './reference.ts'

/** What the names of one inode have in common. */
export interface LinkedFile {
  readonly path: EntryPath
  readonly type: string
  readonly mode: number
  readonly mtimeNs?: bigint | undefined
  readonly sizeBytes: number
  readonly reference: Reference | undefined
  /** The first of its names. */
  readonly hardLink?: string | undefined
}

/** Judges the hard links of one snapshot: what is said to be one file is written as one, so it must be one (vault-1, 7). */
export class HardLinkGroups {
  readonly #firsts = new Map<string, LinkedFile>()
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
      this.#firsts.set(hardLink, file)
    } else if (!isOneFile(first, file)) {
      throw problem(path, `it is said to be one file with ${printablePath(first.path)}, which is another`)
    }
  }
}

const ANY_LENGTH = { limits: { maxDepth: Infinity, maxNameBytes: Infinity, maxPathBytes: Infinity } }

function isOneFile(a: LinkedFile, b: LinkedFile): boolean {
  if (a.mode !== b.mode || a.mtimeNs !== b.mtimeNs || a.sizeBytes !== b.sizeBytes) return false
  if (a.reference === undefined || b.reference === undefined) return a.reference === b.reference
  return a.reference.depth === b.reference.depth && Buffer.compare(a.reference.id, b.reference.id) === 0
}

function problem(path: EntryPath, why: string): Error {
  return damaged(printablePath(path), why)
}
