import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ArcError, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Backend, readBytes } from '@arc/storage'
import { damaged, missing } from '../problems.ts'
import type { CallOptions } from '../store.ts'
import type { ResticKey } from './key.ts'

/** Files that are sealed as a whole. */
export type FileKind = 'index' | 'locks' | 'snapshots'

/** restic keeps them below 8 MiB, its prune of old wrote them whole. */
const MAX_FILE_BYTES = 256 * 1024 * 1024
const COMPRESSED = 2
const [OPEN_BRACE, OPEN_BRACKET] = [0x7b, 0x5b]
/** As hard as an Arc vault compresses by default. */
const LEVEL = 3
const HEX_ID = /^[0-9a-f]{64}$/

/** A file that is there. */
export interface ListedFile {
  readonly id: string
  readonly key: string
  readonly sizeBytes: number
}

/** The files of a repository: found, checked against the SHA-256 that they are named by, opened, sealed. */
export class RepositoryFiles {
  readonly backend: Backend
  readonly key: ResticKey
  readonly version: 1 | 2

  constructor(backend: Backend, key: ResticKey, version: 1 | 2) {
    this.backend = backend
    this.key = key
    this.version = version
  }

  /** The files of a folder that have a name as restic gives; others are none of it. */
  async *list(
    folder: FileKind | 'data' | 'keys',
    { signal }: CallOptions = {},
  ): AsyncGenerator<ListedFile, void, void> {
    yield* listFiles(this.backend, folder, signal)
  }

  /** The content of a sealed file; `undefined` when it is gone. Throws `ARC_VAULT_DAMAGED`. */
  async read(kind: FileKind, id: string, { signal }: CallOptions = {}): Promise<Buffer | undefined> {
    const key = `${kind}/${id}`
    const sealed = await readIfThere(this.backend, key, { signal, maxBytes: MAX_FILE_BYTES })
    if (sealed === undefined) return undefined
    if (sha256Hex(sealed) !== id) throw damaged(key, 'its SHA-256 is not its name')
    return unwrapped(this.key.open(sealed, key), key)
  }

  /** Write a sealed file; returns its name. */
  async write(kind: FileKind, json: string, { signal }: CallOptions = {}): Promise<string> {
    const plain = Buffer.from(json)
    const wrapped = this.version === 1 ? plain : Buffer.concat([Buffer.of(COMPRESSED), compress(plain)])
    const sealed = this.key.seal(wrapped)
    const id = sha256Hex(sealed)
    await this.backend.write(`${kind}/${id}`, sealed, { signal, sha256: id, sizeBytes: sealed.length })
    return id
  }

  /** Bytes of a pack. */
  async readPack(id: string, start: number, end: number, { signal }: CallOptions = {}): Promise<Buffer> {
    const key = packKey(id)
    const bytes = await readIfThere(this.backend, key, { signal, range: { start, end }, maxBytes: end - start })
    if (bytes === undefined) throw missing(key)
    return bytes
  }
}

/** Where a pack is. */
export function packKey(id: string): string {
  return `data/${id.slice(0, 2)}/${id}`
}

/** The files of a folder of a repository. */
export async function* listFiles(
  backend: Backend,
  folder: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedFile, void, void> {
  for await (const batch of backend.list(`${folder}/`, { signal })) {
    for (const { key, sizeBytes } of batch) {
      const id = key.slice(key.lastIndexOf('/') + 1)
      if (HEX_ID.test(id)) yield { id, key, sizeBytes }
    }
  }
}

/** An object, or `undefined` when there is none. */
export async function readIfThere(
  backend: Backend,
  key: string,
  options: Parameters<typeof readBytes>[2],
): Promise<Buffer | undefined> {
  try {
    const bytes = await readBytes(backend, key, options)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** What stands in a sealed file: JSON, or in version 2 a 2 and JSON that is compressed. */
export function unwrapped(plain: Buffer, object: string): Buffer {
  const [first] = plain
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return plain
  if (first === COMPRESSED) return decompress(plain.subarray(1), MAX_FILE_BYTES, object)
  throw new ArcError('ARC_VAULT_UNSUPPORTED', `${object} is encoded in a way that is not known here`, {
    path: object,
    hint: 'A newer version of restic may have written it; try a newer version of this program.',
  })
}

/** One zstd frame. The output is allocated in one piece: each lies outside of the heap, and V8 frees them late. */
export function compress(plain: Uint8Array): Buffer {
  const bound = plain.length + (plain.length >> 8) + 512
  return zstdCompressSync(plain, {
    chunkSize: Math.min(bound, 1024 * 1024),
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  })
}

/** What was compressed, of at most `maxBytes`. Throws `ARC_VAULT_DAMAGED`. */
export function decompress(bytes: Uint8Array, maxBytes: number, object: string): Buffer {
  try {
    return zstdDecompressSync(bytes, {
      chunkSize: Math.min(Math.max(maxBytes, 64), 1024 * 1024),
      maxOutputLength: Math.max(maxBytes, 1),
    })
  } catch (error) {
    throw damaged(object, 'it does not decompress', error)
  }
}
