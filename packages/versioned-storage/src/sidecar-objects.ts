import { assertWithin } from '@arc/core'
import type { Backend } from '@arc/storage'
import { unzstdPieces, zstdPieces } from './compression.ts'
import { verified } from './content-bytes.ts'
import { clampRange, cut } from './object-folder.ts'
import { SpooledContent } from './spooled-content.ts'
import type { CallOptions, Content, ContentInput, ReadRange, Staged, StageOptions } from './store.ts'
import { damagedStore, ignoreMissing } from './store-error.ts'

const OBJECTS = '.arc/objects/'
/** Objects that nothing names are removed after this time; one that is half as old is written again before it is named. */
export const GRACE_MS: number = 24 * 60 * 60 * 1000

/** Contents of a backend, each an object named by the SHA-256 of its plain bytes. */
export class SidecarObjects {
  readonly #backend: Backend
  readonly #now: () => Date

  constructor(backend: Backend, now: () => Date) {
    this.#backend = backend
    this.#now = now
  }

  /** Upload content, unless it is there. What does not fit into memory passes through a file, since its hash is its name. */
  async stage(input: ContentInput, options: StageOptions): Promise<Staged> {
    using content = await SpooledContent.take(input, options)
    return await this.#upload(content, options)
  }

  async #upload(content: SpooledContent, options: StageOptions): Promise<Staged> {
    const { sha256, sizeBytes } = content
    const { compress, signal, onProgress } = options
    const known = await this.#find(sha256)
    const isFresh = known !== undefined && this.#now().getTime() - known.modified.getTime() < GRACE_MS / 2
    if (isFresh) return { sha256, sizeBytes }
    const plain = content.open()
    if (compress === true) {
      const packed = zstdPieces(plain instanceof Uint8Array ? [plain] : plain)
      await this.#backend.write(`${objectName(sha256)}.zst`, packed, { signal, onProgress })
    } else await this.#backend.write(objectName(sha256), plain, { sha256, sizeBytes, signal, onProgress })
    return { sha256, sizeBytes }
  }

  /** The plain bytes of a content. Throws `ARC_STORE_DAMAGED` when it is gone. */
  async read(sha256: string, sizeBytes: number, { range, signal }: ReadRange): Promise<Content> {
    const { start, end } = clampRange(range, sizeBytes)
    const raw = await this.#backend
      .read(objectName(sha256), { signal, ...(range && { range: { start, end } }) })
      .catch(ignoreMissing)
    if (raw !== undefined) {
      const pieces = range === undefined ? verified(raw, sha256, objectName(sha256)) : raw
      return { sizeBytes: end - start, [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() }
    }
    const packed = await this.#backend.read(`${objectName(sha256)}.zst`, { signal }).catch(ignoreMissing)
    if (packed === undefined)
      throw damagedStore(`${this.#backend.location}/${objectName(sha256)}`, 'the content of a version is gone')
    const plain = unzstd(packed, sizeBytes)
    const pieces = range === undefined ? verified(plain, sha256, objectName(sha256)) : cut(plain, start, end)
    return { sizeBytes: end - start, [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() }
  }

  async #find(sha256: string): Promise<{ modified: Date } | undefined> {
    return (await this.#backend.stat(objectName(sha256))) ?? (await this.#backend.stat(`${objectName(sha256)}.zst`))
  }

  /** Remove contents that no version names, once they are old enough that nobody may be about to name them. */
  async removeUnnamed(named: ReadonlySet<string>, { signal }: CallOptions): Promise<number> {
    let count = 0
    for await (const batch of this.#backend.list(OBJECTS, { signal })) {
      for (const { key, modified } of batch) {
        const sha256 = /\/([0-9a-f]{64})(?:\.zst)?$/.exec(key)?.[1]
        if (sha256 === undefined || named.has(sha256) || this.#now().getTime() - modified.getTime() < GRACE_MS) continue
        await this.#backend.delete(key, { signal })
        count++
      }
    }
    return count
  }
}

function objectName(sha256: string): string {
  return `${OBJECTS}${sha256.slice(0, 2)}/${sha256}`
}

async function* unzstd(
  packed: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0
  for await (const piece of unzstdPieces(packed)) {
    count += piece.length
    assertWithin('bytes of a version', count, sizeBytes)
    yield piece
  }
}
