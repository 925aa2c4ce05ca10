import type { CallOptions } from './store.ts'
import { nameOf, packKey, type VaultObjects } from './vault-objects.ts'

/** So many packs are asked for one by one; for more, all there are are listed. */
const FEW = 8

/**
 * Those of `packs` that are not there. An index may name some: one that a writer or a pruning published which was halted for so long that
 * others had pruned meanwhile (vault-1, 9). Ask only after the index was loaded: a pack is written before an index names it.
 */
export async function absentPacks(
  objects: VaultObjects,
  packs: Iterable<string>,
  options: CallOptions,
): Promise<Set<string>> {
  const absent = new Set(packs)
  if (absent.size > FEW) for (const { key } of await objects.list('packs/', options)) absent.delete(nameOf(key))
  for (const id of absent) {
    const found = await objects.backend.stat(packKey(id), { signal: options.signal })
    if (found !== undefined) absent.delete(id)
  }
  return absent
}
