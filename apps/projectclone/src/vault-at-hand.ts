import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import type { Host, Log } from '@arc/kit'
import {
  openVaultPlace,
  type OpenVaultPlaceOptions,
  rememberVault,
  rememberedVaults,
  type VaultPlace,
} from '@arc/kit/vault'
import { createVault, type Vault } from '@arc/snapshot'
import { openBackend } from '@arc/storage'

/**
 * The vault at a place, made there first, without encryption, if there is none. Only where nothing can be meant but a new one: in a
 * folder that is empty or missing, where no vault is known to have been.
 */
export async function openOrCreateVault(
  place: VaultPlace,
  host: Host,
  log: Log,
  options: OpenVaultPlaceOptions,
): Promise<Vault> {
  try {
    return await openVaultPlace(place, host, options)
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_VAULT_NOT_FOUND') throw error
    await assertFree(place, host, error)
    await makeVault(place, host, log)
    return await openVaultPlace(place, host, options)
  }
}

async function assertFree({ url, folder, isDefault }: VaultPlace, host: Host, missing: ArcError): Promise<void> {
  const hint = 'Make one there with projectclone init.'
  if (folder === undefined) throw new ArcError(missing.code, missing.message, { cause: missing, hint })
  await using backend = await openBackend(url)
  if (rememberedVaults(host, backend.location).length > 0) {
    throw new ArcError(missing.code, `the vault at ${folder} is not there any more`, {
      hint: 'Is its disk mounted? If it is gone for good, make a new one with projectclone init.',
      cause: missing,
    })
  }
  if (!isDefault && !existsSync(dirname(folder)))
    throw new ArcError(missing.code, missing.message, { cause: missing, hint })
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new ArcError('ARC_VAULT_NOT_FOUND', `${folder} is no vault, and not empty`, { hint: 'Name another folder.' })
  }
}

async function makeVault({ url, folder }: VaultPlace, host: Host, log: Log): Promise<void> {
  await using backend = await openBackend(url)
  try {
    const vault = await createVault(backend, { signal: host.signal, now: () => host.now() })
    rememberVault(host, vault.location, { id: vault.id, keysId: vault.keysId, generation: 0 })
    log.info(`made a new vault, without encryption, at ${folder}`)
  } catch (error) {
    // Somebody else makes it at this very moment.
    if (!isArcError(error) || error.code !== 'ARC_VAULT_EXISTS') throw error
  }
}
