import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isTemporaryName, makeFolders, sha256Hex, temporaryPathFor } from '@arc/core/node'
import type {
  Backend,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './backend.ts'
import { clampRange } from './content.ts'

export interface LocalCopiesOptions {
  /** Where the copies are; disposable at any time. */
  folder: string
  /** Below which prefixes objects are copied, each ending in `/`. */
  prefixes: readonly string[]
}

/** An object whose name ends in its SHA-256 never changes. */
const HASHED = /(?:^|[/-])([0-9a-f]{64})$/
/** Larger objects are not worth a copy in memory and on the disk. */
const MAX_BYTES = 32 * 1024 * 1024

/**
 * A far backend, of whose objects that never change a copy is kept on this machine: what was read or written once is not asked
 * for again. Only objects whose names end in their SHA-256; a copy that does not fit its name is asked for anew. Whether an
 * object is still there is what {@link Backend.list} says, which also removes the copies of those that are gone.
 */
export function withLocalCopies(backend: Backend, options: LocalCopiesOptions): Backend {
  const copies = new LocalCopies(options)
  const read = async (key: string, readOptions: ReadOptions = {}): Promise<ObjectBody> => {
    const copy = copies.read(key)
    if (copy !== undefined) {
      const { start, end } = clampRange(readOptions.range, copy.length)
      const info: ObjectInfo = { key, sizeBytes: copy.length, modified: new Date(0), sha256: copies.hashOf(key) }
      return { info, [Symbol.asyncIterator]: () => onePiece(copy.subarray(start, end)) }
    }
    const body = await backend.read(key, readOptions)
    const mayBeWhole = (readOptions.range?.start ?? 0) === 0 && body.info.sizeBytes <= MAX_BYTES
    if (!mayBeWhole || !copies.covers(key)) return body
    const pieces: Uint8Array[] = []
    for await (const piece of body) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    copies.keep(key, bytes)
    return { info: body.info, [Symbol.asyncIterator]: () => onePiece(bytes) }
  }
  const write = async (key: string, content: ObjectContent, writeOptions?: WriteOptions): Promise<ObjectInfo> => {
    const info = await backend.write(key, content, writeOptions)
    if (content instanceof Uint8Array) copies.keep(key, content)
    return info
  }
  async function* list(prefix: string, listOptions?: ListOptions): AsyncGenerator<readonly ObjectInfo[]> {
    const there = new Set<string>()
    for await (const batch of backend.list(prefix, listOptions)) {
      for (const { key } of batch) there.add(key)
      yield batch
    }
    if (listOptions?.startAfter === undefined) copies.dropOthers(prefix, there)
  }
  const replaced: Readonly<Record<string | symbol, unknown>> = { read, write, list }
  return new Proxy(backend, {
    get(whole, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name]
      const member: unknown = Reflect.get(whole, name, whole)
      return typeof member === 'function' ? (member.bind(whole) as unknown) : member
    },
  })
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}

/** The copies; whatever goes wrong with one, there is none. */
class LocalCopies {
  readonly #folder: string
  readonly #prefixes: readonly string[]

  constructor({ folder, prefixes }: LocalCopiesOptions) {
    this.#folder = folder
    this.#prefixes = prefixes
  }

  covers(key: string): boolean {
    return this.#prefixes.some((prefix) => key.startsWith(prefix)) && HASHED.test(key)
  }

  hashOf(key: string): string | undefined {
    return HASHED.exec(key)?.[1]
  }

  read(key: string): Buffer | undefined {
    if (!this.covers(key)) return undefined
    try {
      const bytes = readFileSync(join(this.#folder, key))
      return sha256Hex(bytes) === this.hashOf(key) ? bytes : undefined
    } catch {
      return undefined
    }
  }

  /** What does not have the hash in its name is a part of the object, or a damaged one. */
  keep(key: string, bytes: Uint8Array): void {
    if (!this.covers(key) || bytes.length > MAX_BYTES || sha256Hex(bytes) !== this.hashOf(key)) return
    const path = join(this.#folder, key)
    const temporary = temporaryPathFor(path)
    try {
      makeFolders(dirname(path), { mode: 0o700 })
      writeFileSync(temporary, bytes, { mode: 0o600 })
      renameSync(temporary, path)
    } catch {
      rmSync(temporary, { force: true })
    }
  }

  /** Remove the copies below a prefix of all but these objects. */
  dropOthers(prefix: string, there: ReadonlySet<string>): void {
    if (!this.#prefixes.includes(prefix)) return
    try {
      for (const name of readdirSync(join(this.#folder, prefix)))
        if (!there.has(prefix + name) && !isTemporaryName(name))
          rmSync(join(this.#folder, prefix, name), { force: true })
    } catch {
      // There are none.
    }
  }
}
