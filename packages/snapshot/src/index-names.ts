import { ID_BYTES } from './chunk-id.ts'
import { ENTRY_BYTES, type NamedPack } from './index-format.ts'
import type { IndexPart } from './index-part.ts'
import { damaged } from './problems.ts'
import type { CallOptions } from './store.ts'
import type { VaultObjects } from './vault-objects.ts'

/** The packs of an index with the names of their chunks; of a chunk that the index does not name, zeros. */
export async function namedPacks(
  objects: VaultObjects,
  part: IndexPart,
  options: CallOptions = {},
): Promise<NamedPack[]> {
  const ids = Buffer.alloc(part.chunkCount * ID_BYTES)
  for (let number = 0; number < part.header.pages.length; number++) {
    const page = await part.readPage(objects, number, options)
    for (let at = 0; at < page.length; at += ENTRY_BYTES) {
      const chunk = page.readUInt32LE(at + ID_BYTES)
      if (chunk >= part.chunkCount) throw damaged(part.key, 'it names a chunk that no pack has')
      page.copy(ids, chunk * ID_BYTES, at, at + ID_BYTES)
    }
  }
  const named: NamedPack[] = []
  let first = 0
  let number = 0
  for (const pack of part.header.packs) {
    const count = part.chunksInPack(number++)
    named.push({ ...pack, ids: ids.subarray(first * ID_BYTES, (first + count) * ID_BYTES) })
    first += count
  }
  return named
}

/** Whether an index has no name for a chunk: it names another copy of it. */
export function isUnnamed(id: Uint8Array): boolean {
  return id.every((byte) => byte === 0)
}

/** Whether an index has no name for some chunk of a pack. */
export function isPartlyNamed(ids: Uint8Array): boolean {
  for (let at = 0; at < ids.length; at += ID_BYTES) if (isUnnamed(ids.subarray(at, at + ID_BYTES))) return true
  return false
}

/** A pack with the names that either of two indexes has for its chunks. */
export function withNamesOf(pack: NamedPack, other: NamedPack | undefined): NamedPack {
  if (other === undefined) return pack
  const ids = Buffer.from(pack.ids)
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    const id = ids.subarray(at, at + ID_BYTES)
    if (isUnnamed(id)) id.set(other.ids.subarray(at, at + ID_BYTES))
  }
  return { ...pack, ids }
}
