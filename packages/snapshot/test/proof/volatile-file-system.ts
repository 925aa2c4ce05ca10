import { constants, linkSync, mkdirSync, renameSync, rmdirSync, rmSync, truncateSync, unlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'

/** What of a file system outlives a power cut that was not synced: nothing, or all names but no bytes. */
export type Survivors = 'nothing' | 'names'

interface NameChange {
  /** Which must be synced for it to last. */
  readonly folder: string
  readonly undo: () => void
  /** The folder that went, when one did: with it goes all that was in it. */
  readonly removed?: string | undefined
}

/**
 * The real file system, which remembers what was not synced, so that {@link VolatileFileSystem.cut} can take it away: bytes
 * of files since their `fsync`, and names since the `fsync` of their folder.
 */
export class VolatileFileSystem {
  readonly fs: FileSystem
  readonly #trash: string
  readonly #open = new Map<number, string>()
  /** Path now of each file with bytes that are not synced, and how many are. */
  readonly #unsynced = new Map<string, number>()
  #changes: NameChange[] = []
  #kept = 0

  /** `trash` is a folder on the same disk, where what is removed waits until that is certain. */
  constructor(trash: string, before: () => void = () => {}) {
    this.#trash = trash
    mkdirSync(trash, { recursive: true })
    const own = this.#calls()
    this.fs = new Proxy(nodeFileSystem, {
      get(target, name: keyof FileSystem) {
        const call = (own[name] ?? target[name]) as (...args: unknown[]) => unknown
        return (...args: unknown[]): unknown => {
          before()
          return Reflect.apply(call, target, args)
        }
      },
    })
  }

  /** Take away what would not have outlived a power cut at this moment. */
  cut(survivors: Survivors): void {
    for (const [path, sizeBytes] of this.#unsynced) truncateSync(path, sizeBytes)
    if (survivors === 'nothing') for (const { undo } of this.#changes.reverse()) undo()
    this.#changes = []
    this.#unsynced.clear()
  }

  #calls(): Partial<FileSystem> {
    const real = nodeFileSystem
    return {
      openSync: ((path: string, flags: string | number, mode?: number) => {
        const isNew = isCreating(flags) && !real.existsSync(path)
        const fd = real.openSync(path, flags, mode)
        this.#open.set(fd, resolve(path))
        // A name that lasts made the file last, too.
        if (isNew) this.#changed(path, () => rmSync(path, { force: true }))
        return fd
      }) as FileSystem['openSync'],
      closeSync: (fd) => {
        this.#open.delete(fd)
        real.closeSync(fd)
      },
      writeSync: ((fd: number, ...rest: [Uint8Array]) => {
        const path = this.#open.get(fd) as string
        if (!this.#unsynced.has(path)) this.#unsynced.set(path, real.fstatSync(fd).size)
        return real.writeSync(fd, ...rest)
      }) as FileSystem['writeSync'],
      fsyncSync: (fd) => {
        const path = this.#open.get(fd) as string
        real.fsyncSync(fd)
        this.#unsynced.delete(path)
        const removed = new Set(this.#changes.map((change) => (change.folder === path ? change.removed : undefined)))
        this.#changes = this.#changes.filter(({ folder }) => folder !== path && !removed.has(folder))
      },
      mkdirSync: ((path: string, options?: object) => {
        const made = real.mkdirSync(path, options)
        this.#changed(path, () => rmdirSync(path))
        return made
      }) as FileSystem['mkdirSync'],
      rmdirSync: ((path: string) => {
        real.rmdirSync(path)
        this.#changed(path, () => mkdirSync(path), resolve(path))
      }) as FileSystem['rmdirSync'],
      linkSync: ((from: string, to: string) => {
        real.linkSync(from, to)
        this.#changed(to, () => unlinkSync(to))
      }) as FileSystem['linkSync'],
      unlinkSync: ((path: string) => {
        const kept = this.#keep(path)
        real.unlinkSync(path)
        this.#moved(path, kept)
        this.#changed(path, () => renameSync(kept, path))
      }) as FileSystem['unlinkSync'],
      renameSync: ((from: string, to: string) => {
        const kept = real.existsSync(to) ? this.#keep(to) : undefined
        real.renameSync(from, to)
        this.#moved(from, to)
        this.#changed(to, () => {
          renameSync(to, from)
          if (kept !== undefined) renameSync(kept, to)
        })
      }) as FileSystem['renameSync'],
    }
  }

  #keep(path: string): string {
    const kept = join(this.#trash, String(this.#kept++))
    rmSync(kept, { force: true })
    linkSync(path, kept)
    return kept
  }

  #moved(from: string, to: string): void {
    const synced = this.#unsynced.get(from)
    if (synced === undefined) return
    this.#unsynced.delete(from)
    this.#unsynced.set(to, synced)
  }

  #changed(path: string, undo: () => void, removed?: string): void {
    this.#changes.push({ folder: dirname(resolve(path)), undo, removed })
  }
}

function isCreating(flags: string | number): boolean {
  return typeof flags === 'number' ? (flags & constants.O_CREAT) !== 0 : /^[wa]/.test(flags)
}
