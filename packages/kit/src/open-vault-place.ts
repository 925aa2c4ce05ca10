import { ArcError, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { keyGeneration } from '@arc/crypto'
import { openVault, type OpenVaultOptions, type Vault } from '@arc/snapshot'
import { type Backend, retaining, type RetainingOptions, withLocalCopies } from '@arc/storage'
import type { Host } from './host.ts'
import { openPlace } from './open-place.ts'
import { isResticPlace, isSnapshotFolder } from './store-format.ts'
import { tellingDamage } from './tell-damage.ts'
import { rememberedVaults, rememberVault } from './vault-memory.ts'
import { cachePath, type VaultPlace } from './vault-place.ts'
import { assertNoKey, type SecretSource } from './vault-secret.ts'

export interface OpenVaultPlaceOptions extends Pick<OpenVaultOptions, 'signingKey' | 'compressionLevel'> {
  secret: SecretSource
  /** Keep what is written from being changed or removed for so long. */
  retain?: RetainingOptions | undefined
  /** Look at everything where it is, whatever copies this machine has: for whoever checks a vault. Default false. */
  afresh?: boolean | undefined
  /** Take the keys that the vault has now for the right ones from now on; default false. */
  trust?: boolean | undefined
}

/**
 * Open the vault at a place, and make sure that it is one that this machine knows from there: somebody who may write to the
 * place could put a vault with keys of his own there. Throws what `openVault` throws, `ARC_KEY_WRONG` for such a vault, and
 * `ARC_OPTION_INVALID` when the command line gives a key for a vault that has none.
 */
export async function openVaultPlace(place: VaultPlace, host: Host, options: OpenVaultPlaceOptions): Promise<Vault> {
  const { secret, signingKey, compressionLevel, trust, retain, afresh = false } = options
  const { signal } = host
  if (isResticPlace(place)) throw noVault(place)
  if (place.folder !== undefined && isSnapshotFolder(place.folder)) throw onlySnapshots(place.folder)
  const whole = await openPlace(place.url, host)
  const opened = afresh || place.folder !== undefined ? whole : withCopies(whole, host)
  const backend = retain === undefined ? opened : retaining(opened, retain)
  try {
    const vault = await openVault(backend, { secret, signingKey, compressionLevel, signal, now: () => host.now() })
    assertKnown(vault, host, trust ?? false)
    if (!vault.isEncrypted) assertNoKey(secret, vault.location)
    return tellingDamage(vault, host)
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw isArcError(error) && error.code === 'ARC_VAULT_NOT_FOUND' ? nothingThere(place, error) : error
  }
}

function noVault({ folder, url }: VaultPlace): ArcError {
  return new ArcError('ARC_VAULT_UNSUPPORTED', `${folder ?? url} is a repository of restic, not a vault`, {
    hint: 'projectclone export writes to it, projectclone import reads it into a vault.',
  })
}

function onlySnapshots(folder: string): ArcError {
  return new ArcError('ARC_VAULT_UNSUPPORTED', `${folder} keeps copies, links or archives, and this is for vaults`, {
    path: folder,
    hint: 'projectclone import takes its snapshots over into a vault.',
  })
}

/** The same in words of the command line. */
function nothingThere({ folder, isDefault }: VaultPlace, error: ArcError): ArcError {
  if (folder === undefined) return error
  const hint = isDefault
    ? 'That is where it is unless --from, --to or ARC_VAULT names another. The first snapshot makes it: projectclone, in the folder of a project.'
    : 'Check the spelling of the place, or make a vault there first.'
  return new ArcError(error.code, `there is no vault at ${folder}`, { path: folder, hint, cause: error })
}

/** What a far vault says of its snapshots and where their chunks are never changes: this machine asks for each of it once. */
function withCopies(backend: Backend, host: Host): Backend {
  const name = sha256Hex(Buffer.from(backend.location)).slice(0, 32)
  return withLocalCopies(backend, {
    folder: cachePath(host, 'vaults', name),
    prefixes: ['snapshots/', 'log/', 'index/'],
  })
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
