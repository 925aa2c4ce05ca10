import type { BigIntStats } from 'node:fs'
import { ArcError, type Entry, type EntryAttributes, type ExtendedAttribute, type Omission } from '@arc/core'
import { Accounts, type LocalRoot, XattrTools } from '@arc/core/node'
import type { LocalOptions } from './options.ts'

/** Reads what entries have besides their usual metadata, for who asked for it. */
export class LocalAttributes {
  readonly #accounts: Accounts | undefined
  readonly #tools: XattrTools | undefined
  /** Whose entries are of one owner share one object. */
  readonly #owned = new Map<unknown, EntryAttributes>()
  readonly #bare = new Map<EntryAttributes | undefined, EntryAttributes>()

  /** Throws `ARC_ATTRIBUTES_UNAVAILABLE` when this machine cannot tell what is asked for. */
  constructor({ owners = false, xattrs = false }: Pick<LocalOptions, 'owners' | 'xattrs'>) {
    if (owners && process.getuid === undefined)
      throw new ArcError('ARC_ATTRIBUTES_UNAVAILABLE', 'files have no owners that Arc could read on this system', {
        hint: 'Leave owners out.',
      })
    this.#accounts = owners ? new Accounts() : undefined
    this.#tools = xattrs ? XattrTools.find() : undefined
  }

  get hasXattrs(): boolean {
    return this.#tools !== undefined
  }

  /** What the metadata of a path tells. */
  of(stat: BigIntStats, isSparse: boolean): EntryAttributes | undefined {
    const owner = this.#accounts?.owner(Number(stat.uid), Number(stat.gid))
    if (isSparse) return owner === undefined ? SPARSE : { owner, isSparse }
    if (owner === undefined) return undefined
    let owned = this.#owned.get(owner)
    if (owned === undefined) this.#owned.set(owner, (owned = { owner }))
    return owned
  }

  /** The same entries with their extended attributes; what could not be read becomes an omission beside its entry. */
  complete(at: LocalRoot, followSymlinks: boolean, batch: readonly Entry[], omissions: Omission[]): Entry[] {
    const groups = followSymlinks
      ? [batch.filter(({ type }) => type === 'symlink'), batch.filter(({ type }) => type !== 'symlink')]
      : [batch]
    const found = new Map<string, readonly ExtendedAttribute[]>()
    for (const [i, group] of groups.entries()) {
      const paths = group.map(({ path }) => path)
      const reading = this.#tools?.read(at.root, paths, { follow: i === 1 })
      for (const [path, xattrs] of reading?.xattrs ?? []) found.set(path, xattrs)
      for (const [path, reason] of reading?.problems ?? [])
        omissions.push({ path, reason: 'unreadable', detail: `its extended attributes: ${reason}` })
    }
    return batch.map((entry) => ({ ...entry, attributes: this.#with(entry.attributes, found.get(entry.path)) }))
  }

  #with(known: EntryAttributes | undefined, xattrs: readonly ExtendedAttribute[] | undefined): EntryAttributes {
    if (xattrs !== undefined) return { ...known, xattrs }
    let bare = this.#bare.get(known)
    if (bare === undefined) this.#bare.set(known, (bare = { ...known, xattrs: [] }))
    return bare
  }
}

const SPARSE: EntryAttributes = { isSparse: true }
