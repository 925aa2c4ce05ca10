import { type ArcError, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import type { VaultKeys } from '@arc/crypto'
import type { Backend, ObjectInfo } from '@arc/storage'
import { damaged, missing } from './problems.ts'
import type { CallOptions } from './store.ts'

/** Objects are sealed for what they are, so that none is taken for another. */
export type SealKind = 'frame' | 'footer' | 'index' | 'record' | 'mark'

const HASHED_NAME = /^(?:[0-9]+-)?([0-9a-f]{64})$/

/** The objects of a vault: whole ones, checked against the hash in their names, and ranges of large ones. */
export class VaultObjects {
  readonly backend: Backend
  readonly keys: VaultKeys

  constructor(backend: Backend, keys: VaultKeys) {
    this.backend = backend
    this.keys = keys
  }

  /** Write bytes as `prefix` and their SHA-256; returns the key. Writing the same again changes nothing. */
  async writeHashed(prefix: string, bytes: Uint8Array, options: CallOptions = {}): Promise<string> {
    const sha256 = sha256Hex(bytes)
    const key = `${prefix}${sha256}`
    await this.backend.write(key, bytes, { sha256, sizeBytes: bytes.length, signal: options.signal })
    return key
  }

  /** A whole object whose name tells its hash. Throws `ARC_VAULT_DAMAGED` when it is missing or not what its name says. */
  async readHashed(key: string, maxBytes: number, options: CallOptions = {}): Promise<Buffer> {
    const bytes = await this.readWhole(key, maxBytes, options)
    const wanted = HASHED_NAME.exec(key.slice(key.lastIndexOf('/') + 1))?.[1]
    if (sha256Hex(bytes) !== wanted) throw damaged(key, 'its bytes do not have the SHA-256 in its name')
    return bytes
  }

  /** A whole object. */
  async readWhole(key: string, maxBytes: number, options: CallOptions = {}): Promise<Buffer> {
    const bytes = await this.readRange(key, 0, maxBytes + 1, options)
    if (bytes.length > maxBytes) throw damaged(key, `it is larger than ${maxBytes} bytes`)
    return bytes
  }

  /** The bytes from `start` to `end`, or fewer where the object ends. */
  async readRange(key: string, start: number, end: number, options: CallOptions = {}): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    try {
      for await (const piece of await this.backend.read(key, { range: { start, end }, signal: options.signal })) {
        pieces.push(piece)
      }
    } catch (error) {
      if (isNotFound(error)) throw missing(key)
      throw error
    }
    return pieces.length === 1 ? asBuffer(pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }

  /** Every object below a prefix. */
  async list(prefix: string, options: CallOptions = {}): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = []
    for await (const batch of this.backend.list(prefix, { signal: options.signal })) found.push(...batch)
    return found
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    await this.backend.delete(key, { signal: options.signal })
  }

  seal(kind: SealKind, plaintext: Uint8Array): Uint8Array {
    return this.keys.seal(kind, plaintext)
  }

  /** Throws `ARC_SEAL_BROKEN` when the bytes were not sealed by this vault's keys for this use. */
  unseal(kind: SealKind, sealed: Uint8Array): Buffer {
    return asBuffer(this.keys.unseal(kind, sealed))
  }
}

/** Where a pack is. */
export function packKey(packId: string): string {
  return `packs/${packId.slice(0, 2)}/${packId}`
}

/** The last component of a key. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Whether an object is not there; other failures of a backend are another matter. */
export function isNotFound(error: unknown): error is ArcError {
  return isArcError(error) && (error.code as string) === 'ARC_OBJECT_NOT_FOUND'
}
