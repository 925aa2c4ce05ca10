import type { Entry } from './entry.ts'
import { decodePath, encodePath, type EntryPath } from './entry-path.ts'
import { nodeFileSystem } from './file-system.ts'
import { LocalContent, type LocalRoot } from './local-content.ts'

const TASK_BYTES = 1024 * 1024
const TASK_FILES = 256

/** What a {@link SharedFileList} consists of: plain data and shared memory, to be handed to a worker as it is. */
export interface SharedFiles {
  readonly root: string
  readonly openFlags: number
  readonly fileCount: number
  /** Paths as bytes, one after another, and where each begins (with one more for the end of the last): Float64. */
  readonly paths: SharedArrayBuffer
  readonly pathStarts: SharedArrayBuffer
  /** Float64. */
  readonly sizes: SharedArrayBuffer
  /** Permission bits: Uint16. */
  readonly modes: SharedArrayBuffer
  /** The first file of each task (with one more for the end of the last): Float64. */
  readonly taskStarts: SharedArrayBuffer
}

/** Whether another thread can read the content of an entry: a file of the real disk, known by its place. */
export function isSharable(entry: Entry): entry is Entry & { readonly content: LocalContent } {
  return entry.content instanceof LocalContent && entry.content.at.fs === nodeFileSystem
}

/** Local files that workers read by themselves, cut into tasks of about a megabyte that they take from a `TaskCounter`. */
export class SharedFileList {
  readonly shared: SharedFiles
  readonly #at: LocalRoot
  readonly #paths: Buffer
  readonly #pathStarts: Float64Array
  readonly #sizes: Float64Array
  readonly #modes: Uint16Array
  readonly #taskStarts: Float64Array

  constructor(shared: SharedFiles) {
    this.shared = shared
    this.#at = { fs: nodeFileSystem, root: shared.root, openFlags: shared.openFlags }
    this.#paths = Buffer.from(shared.paths)
    this.#pathStarts = new Float64Array(shared.pathStarts)
    this.#sizes = new Float64Array(shared.sizes)
    this.#modes = new Uint16Array(shared.modes)
    this.#taskStarts = new Float64Array(shared.taskStarts)
  }

  /** Make a list of entries for which {@link isSharable} holds; all must lie below one root. */
  static of(entries: Iterable<Entry & { readonly content: LocalContent }>): SharedFileList | undefined {
    const paths: Uint8Array[] = []
    const pathStarts = [0]
    const sizes: number[] = []
    const modes: number[] = []
    const taskStarts = [0]
    let at: LocalRoot | undefined
    let taskBytes = 0
    for (const { content, path, sizeBytes, mode } of entries) {
      at ??= content.at
      const bytes = encodePath(path)
      paths.push(bytes)
      pathStarts.push((pathStarts.at(-1) as number) + bytes.length)
      modes.push(mode)
      taskBytes += sizeBytes
      const count = sizes.push(sizeBytes)
      if (taskBytes < TASK_BYTES && count - (taskStarts.at(-1) as number) < TASK_FILES) continue
      taskStarts.push(count)
      taskBytes = 0
    }
    if (at === undefined) return undefined
    if (taskStarts.at(-1) !== sizes.length) taskStarts.push(sizes.length)
    return new SharedFileList({
      root: at.root,
      openFlags: at.openFlags,
      fileCount: sizes.length,
      paths: sharedCopy(Buffer.concat(paths)),
      pathStarts: sharedCopy(Float64Array.from(pathStarts)),
      sizes: sharedCopy(Float64Array.from(sizes)),
      modes: sharedCopy(Uint16Array.from(modes)),
      taskStarts: sharedCopy(Float64Array.from(taskStarts)),
    })
  }

  get taskCount(): number {
    return this.#taskStarts.length - 1
  }

  /** The files of a task, as the half-open range `[first, end)` of their numbers. */
  task(task: number): { first: number; end: number } {
    return { first: this.#taskStarts[task] as number, end: this.#taskStarts[task + 1] as number }
  }

  /** A file as an entry again. */
  entry(file: number): Entry & { readonly content: LocalContent } {
    const path = this.#path(file)
    const sizeBytes = this.#sizes[file] as number
    return {
      path,
      type: 'file',
      mode: this.#modes[file] as number,
      sizeBytes,
      content: new LocalContent(this.#at, path, sizeBytes),
    }
  }

  #path(file: number): EntryPath {
    return decodePath(Uint8Array.prototype.slice.call(this.#paths, this.#pathStarts[file], this.#pathStarts[file + 1]))
  }
}

function sharedCopy(from: Uint8Array | Uint16Array | Float64Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(from.byteLength)
  new Uint8Array(shared).set(new Uint8Array(from.buffer, from.byteOffset, from.byteLength))
  return shared
}
