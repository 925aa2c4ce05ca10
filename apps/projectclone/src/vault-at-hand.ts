import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import type { Host, Log } from '@arc/kit'
import { openPlace, withoutPassword } from '@arc/kit/place'
import {
  openVaultPlace,
  type OpenVaultPlaceOptions,
  rememberVault,
  rememberedVaults,
  type VaultPlace,
} from '@arc/kit/vault'
import { createVault, type Vault } from '@arc/snapshot'
import { type Backend, retaining } from '@arc/storage'
import { makePrivateFolder } from './private-folder.ts'

/** What the names of unfinished writes end with, and of the folder they are in. */
const UNFINISHED = '.arc-tmp'

/**
 * The vault at a place, made there first, without encryption, if there is none. Only where nothing can be meant but a new one: where
 * nothing is, and no vault is known to have been.
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
    try {
      await assertFree(place, host, error)
    } catch (taken) {
      // Perhaps by a vault that somebody else has made since.
      return await openVaultPlace(place, host, options).catch(() => Promise.reject(taken))
    }
    if (options.secret.isGiven === true)
      throw new ArcError(error.code, `${error.message}, and one made by the first snapshot would have no encryption`, {
        hint: 'Make one that the key opens with projectclone init --encrypt passphrase or recipient.',
        cause: error,
      })
    await makeVault(place, host, log, options)
    return await openVaultPlace(place, host, options)
  }
}

/** Make sure that nothing but a new vault can be meant. Throws `ARC_VAULT_NOT_FOUND`. */
export async function assertFree(place: VaultPlace, host: Host, missing: ArcError): Promise<void> {
  const { url, folder, isDefault } = place
  const shown = folder ?? withoutPassword(url)
  await using backend = await openPlace(url, host)
  if (rememberedVaults(host, backend.location).length > 0) {
    const where = folder === undefined ? 'Is that the right account?' : 'Is its disk mounted?'
    throw new ArcError(missing.code, `the vault at ${shown} is not there any more`, {
      hint: `${where} If it is gone for good, make a new one with projectclone init.`,
      cause: missing,
    })
  }
  const hint = 'Make one there with projectclone init.'
  if (folder !== undefined && !isDefault && !existsSync(dirname(folder)))
    throw new ArcError(missing.code, missing.message, { cause: missing, hint })
  if (await holdsAnything(place, backend, host))
    throw new ArcError('ARC_VAULT_NOT_FOUND', `${shown} is no vault, and not empty`, { hint: 'Name another place.' })
}

async function holdsAnything({ folder }: VaultPlace, backend: Backend, { signal }: Host): Promise<boolean> {
  // Where a write is under way, somebody else makes the vault.
  if (folder !== undefined) return existsSync(folder) && readdirSync(folder).some((name) => !name.endsWith(UNFINISHED))
  for await (const batch of backend.list('', { signal })) if (batch.length > 0) return true
  return false
}

async function makeVault(place: VaultPlace, host: Host, log: Log, { retain }: OpenVaultPlaceOptions): Promise<void> {
  const { url, folder } = place
  makePrivateFolder(place)
  await using opened = await openPlace(url, host)
  const backend = retain === undefined ? opened : retaining(opened, retain)
  try {
    const vault = await createVault(backend, { signal: host.signal, now: () => host.now() })
    rememberVault(host, vault.location, { id: vault.id, keysId: vault.keysId, generation: 0 })
    log.info(`made a new vault, without encryption, at ${folder ?? vault.location}`)
  } catch (error) {
    // Somebody else makes it at this very moment.
    if (!isArcError(error) || error.code !== 'ARC_VAULT_EXISTS') throw error
  }
}
