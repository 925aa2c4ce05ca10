import { isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { compareIds, ID_BYTES } from './chunk-id.ts'
import { decompressFrame } from './frame.ts'
import type { NamedPack } from './index-format.ts'
import { isUnnamed } from './index-names.ts'
import {
  decodeFooter,
  footerFrameBytes,
  type FrameFacts,
  type PackKind,
  sealedFooterOf,
  TRAILER_BYTES,
} from './pack-footer.ts'
import { PACK_BYTES } from './pack-writer.ts'
import { damaged, problemCode } from './problems.ts'
import { release } from './release.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import { packKey } from './vault-objects.ts'

/** A pack holds one frame more than makes it full, and its footer. */
const MAX_PACK_BYTES = PACK_BYTES + 64 * 1024 * 1024

/** What reading a whole pack found. */
export interface PackDamage {
  /** Names of chunks that cannot be had from it. */
  readonly bad: Buffer
  /** Why; `undefined` when the pack is what it should be. */
  readonly error: unknown
}

/** Read a pack and hold every byte of it against its name, and every chunk against its own. */
export async function damagedChunks(
  vault: VaultInternals,
  pack: NamedPack,
  options: CallOptions = {},
): Promise<PackDamage> {
  const { objects } = vault
  const key = packKey(pack.id)
  let bytes: Buffer
  try {
    bytes = await objects.readWhole(key, MAX_PACK_BYTES, options)
  } catch (error) {
    if (problemCode(error) === undefined) throw error
    return { bad: Buffer.from(pack.ids), error }
  }
  let error: unknown
  if (sha256Hex(bytes) !== pack.id) error = damaged(key, 'its bytes do not have the SHA-256 in its name')
  const bad: Uint8Array[] = []
  let chunk = 0
  for (const { plain, facts } of plainFrames(vault, key, bytes, decodeFooter(pack.footer, key).frames)) {
    if (plain instanceof Buffer) {
      let start = 0
      for (const size of facts.chunkBytes) {
        const at = ID_BYTES * chunk++
        const own = objects.keys.identify(plain.subarray(start, start + size))
        start += size
        if (compareIds(own, 0, pack.ids, at) === 0) continue
        const id = pack.ids.subarray(at, at + ID_BYTES)
        if (isUnnamed(id)) continue
        error ??= damaged(key, 'the bytes of a chunk are not those of its name')
        bad.push(id)
      }
      release(plain)
    } else {
      error ??= plain
      bad.push(pack.ids.subarray(chunk * ID_BYTES, (chunk + facts.chunkBytes.length) * ID_BYTES))
      chunk += facts.chunkBytes.length
    }
  }
  return { bad: Buffer.concat(bad), error }
}

/** The frames of a pack that is in memory; for one that cannot be decoded, the error. */
function* plainFrames(
  vault: VaultInternals,
  key: string,
  bytes: Buffer,
  frames: readonly FrameFacts[],
): Generator<{ plain: Buffer | Error; facts: FrameFacts }, void, void> {
  let start = 0
  for (const facts of frames) {
    const sealed = bytes.subarray(start, start + facts.sealedBytes)
    start += facts.sealedBytes
    let plain: Buffer | Error
    try {
      plain = decompressFrame(vault.objects.unseal('frame', sealed), facts.plainBytes, key)
    } catch (error) {
      if (!isArcError(error) || problemCode(error) === undefined) throw error
      plain = error
    }
    yield { plain, facts }
  }
}

/** A chunk that was read from a pack without any index. */
interface SalvagedChunk {
  readonly id: Uint8Array
  readonly bytes: Buffer
}

/** What can be read of a pack by itself. */
export interface SalvagedPack {
  readonly kind: PackKind
  /** Whether every byte is what it was. */
  readonly isWhole: boolean
  /** With zeros for the names of chunks that cannot be read. */
  readonly named: NamedPack
  /** Those that can. */
  chunks(): Iterable<SalvagedChunk>
}

/** Read a pack by its own footer; `undefined` when even that is damaged. Throws when the bytes cannot be had. */
export async function salvagePack(
  vault: VaultInternals,
  packId: string,
  options: CallOptions = {},
): Promise<SalvagedPack | undefined> {
  const { objects } = vault
  const key = packKey(packId)
  try {
    const bytes = await objects.readWhole(key, MAX_PACK_BYTES, options)
    const footerBytes = footerFrameBytes(bytes.subarray(-TRAILER_BYTES), key)
    const footer = objects.unseal('footer', sealedFooterOf(bytes.subarray(-footerBytes), key))
    const { kind, frames } = decodeFooter(footer, key)
    const chunks = (): Generator<SalvagedChunk | undefined, void, void> => chunksOf(vault, key, bytes, frames)
    const ids = Array.from(chunks(), (chunk) => chunk?.id ?? Buffer.alloc(ID_BYTES))
    return {
      kind,
      isWhole: sha256Hex(bytes) === packId,
      named: { id: packId, sizeBytes: bytes.length, footer, ids: Buffer.concat(ids) },
      *chunks() {
        for (const chunk of chunks()) if (chunk !== undefined) yield chunk
      },
    }
  } catch (error) {
    const code = problemCode(error)
    if (code === 'damaged' || code === 'missing') return undefined
    throw error
  }
}

/** The chunks of a pack in their order; `undefined` for one that cannot be read. */
function* chunksOf(
  vault: VaultInternals,
  key: string,
  bytes: Buffer,
  frames: readonly FrameFacts[],
): Generator<SalvagedChunk | undefined, void, void> {
  for (const { plain, facts } of plainFrames(vault, key, bytes, frames)) {
    let start = 0
    for (const size of facts.chunkBytes) {
      if (!(plain instanceof Buffer)) {
        yield undefined
        continue
      }
      const chunk = plain.subarray(start, start + size)
      start += size
      yield { id: vault.objects.keys.identify(chunk), bytes: chunk }
    }
  }
}
