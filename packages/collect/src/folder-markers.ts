import { constants } from 'node:fs'
import { ArcError, type EntryPath } from '@arc/core'
import { localPath, type LocalRoot, readFully } from '@arc/core/node'
import type { DirectoryOptions } from './options.ts'

const CACHE_TAG = 'CACHEDIR.TAG'
/** What the tag must begin with: https://bford.info/cachedir/ */
const CACHE_SIGNATURE = Buffer.from('Signature: 8a477f597d28d172789f06886806bc55')

/** The name of a file that marks its folder, as it was given. Throws `ARC_OPTION_INVALID` for what is no name of a file. */
export function folderMarker(name: string): string {
  if (!['', '.', '..'].includes(name) && !name.includes('/')) return name
  throw new ArcError('ARC_OPTION_INVALID', `${JSON.stringify(name)} is no name of a file`, {
    hint: 'Write the name alone, without folders.',
  })
}

/** Files whose presence in a folder says that the rest of the folder is not wanted. */
export class FolderMarkers {
  readonly #names: readonly string[]
  readonly #asksForCaches: boolean

  constructor({
    excludeIfPresent = [],
    excludeCaches = false,
  }: Pick<DirectoryOptions, 'excludeIfPresent' | 'excludeCaches'>) {
    // Names in a folder are compared as byte strings.
    this.#names = excludeIfPresent.map((name) => Buffer.from(folderMarker(name)).toString('latin1'))
    this.#asksForCaches = excludeCaches
  }

  /** The name, a byte string, of the file that marks the folder whose names these are; `undefined` when none does. */
  find(at: LocalRoot, prefix: string, names: readonly string[]): string | undefined {
    const marker = this.#names.find((name) => names.includes(name))
    if (marker !== undefined) return marker
    return this.#asksForCaches && names.includes(CACHE_TAG) && isCacheTag(at, `${prefix}${CACHE_TAG}`)
      ? CACHE_TAG
      : undefined
  }
}

function isCacheTag({ fs, root }: LocalRoot, path: string): boolean {
  let fd: number
  try {
    // A pipe of that name must not make us wait.
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0)
    fd = fs.openSync(localPath(root, path as EntryPath), flags)
  } catch {
    return false
  }
  try {
    const head = Buffer.alloc(CACHE_SIGNATURE.length)
    return fs.fstatSync(fd).isFile() && readFully(fs, fd, head, 0) === head.length && head.equals(CACHE_SIGNATURE)
  } finally {
    fs.closeSync(fd)
  }
}
