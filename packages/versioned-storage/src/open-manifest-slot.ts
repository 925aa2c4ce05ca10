import { ArcError } from '@arc/core'
import type { Backend } from '@arc/storage'
import type { ManifestFormat } from './manifest.ts'
import { ChainedManifests } from './manifest-chain.ts'
import { type ManifestSlot, NumberedManifests, SwappedManifests } from './manifest-slot.ts'

/**
 * The way that fits what the backend was seen to do: compare-and-swap, or the order of its own versions, or numbered
 * manifests that are created once each. Throws `ARC_BACKEND_UNSUITABLE` for a backend that has none of these: two writers
 * would overwrite each other's past.
 */
export async function openManifestSlot(backend: Backend, format: ManifestFormat): Promise<ManifestSlot> {
  const { compareAndSwap, createOnly, consistent, versions } = await backend.capabilities()
  if (compareAndSwap && createOnly) return new SwappedManifests(backend, format, versions)
  if (versions && consistent && backend.listVersions !== undefined) return new ChainedManifests(backend, format)
  if (createOnly && consistent) return new NumberedManifests(backend, format)
  throw new ArcError(
    'ARC_BACKEND_UNSUITABLE',
    `${backend.location} honours no conditions, so two writers could overwrite each other's versions`,
    {
      hint: 'Mount it read-only, or keep versions in another place.',
    },
  )
}
