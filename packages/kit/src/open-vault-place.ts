import { ArcError } from '@arc/core'
import { keyGeneration } from '@arc/crypto'
import { openVault, type OpenVaultOptions, type Vault } from '@arc/snapshot'
import { openBackend } from '@arc/storage'
import type { Host } from './host.ts'
import { rememberedVaults, rememberVault } from './vault-memory.ts'
import type { VaultPlace } from './vault-place.ts'
import type { SecretSource } from './vault-secret.ts'

export interface OpenVaultPlaceOptions extends Pick<OpenVaultOptions, 'signingKey' | 'compressionLevel'> {
  secret: SecretSource
  /** Take the keys that the vault has now for the right ones from now on; default false. */
  trust?: boolean | undefined
}

/**
 * Open the vault at a place, and make sure that it is one that this machine knows from there: somebody who may write to the
 * place could put a vault with keys of his own there. Throws what `openVault` throws, and `ARC_KEY_WRONG` for such a vault.
 */
export async function openVaultPlace(place: VaultPlace, host: Host, options: OpenVaultPlaceOptions): Promise<Vault> {
  const { secret, signingKey, compressionLevel, trust } = options
  const { signal } = host
  const backend = await openBackend(place.url, { environment: host.env })
  try {
    const vault = await openVault(backend, { secret, signingKey, compressionLevel, signal, now: () => host.now() })
    assertKnown(vault, host, trust ?? false)
    return vault
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

function assertKnown(vault: Vault, host: Host, isTrusted: boolean): void {
  const { id, keysId, location } = vault
  const known = rememberedVaults(host, location)
  const generation = vault.isEncrypted ? keyGeneration(vault.internal.objects.keys) : 0
  const before = known.find((each) => each.id === id && each.keysId === keysId)
  const isNews = before === undefined && known.some((each) => each.keysId !== 'plain')
  if (!isTrusted && (isNews || generation < (before?.generation ?? 0))) {
    throw new ArcError(
      'ARC_KEY_WRONG',
      `the vault at ${location} does not have the keys that this machine remembers from there`,
      { hint: 'Find out who wrote to it. If it was you: projectclone key trust' },
    )
  }
  rememberVault(host, location, { id, keysId, generation })
}
