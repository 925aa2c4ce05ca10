import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import type { Host, Log, Values } from '@arc/kit'
import { withoutPassword } from '@arc/kit/place'
import {
  assertNoKey,
  homePath,
  isSnapshotFolder,
  openStorePlace,
  secretSource,
  vaultPlace,
  type VaultPlace,
} from '@arc/kit/vault'
import { openSnapshotFolder, type SnapshotMode, type SnapshotStore } from '@arc/snapshot'
import { modeOf } from './mode-options.ts'
import { retainOf } from './retain-options.ts'
import { signingKeyOf } from './signing-option.ts'
import { levelOf, type takeOptions } from './snapshot-options.ts'
import { assertFree, openOrCreateVault } from './vault-at-hand.ts'

/** Where the options put a snapshot: what is no vault goes to `~/project_backups/snapshots` unless `--to` names a folder. */
export function placeToWrite(values: Values<typeof takeOptions>, host: Host): VaultPlace {
  if (modeOf(values) === 'vault' || values.to !== undefined) return vaultPlace(values.to, host)
  const folder = homePath(host, 'project_backups', 'snapshots')
  return { url: folder, folder, isDefault: true }
}

/** Open what a snapshot goes to, making it if that is meant. */
export async function openToWrite(
  place: VaultPlace,
  values: Values<typeof takeOptions>,
  host: Host,
  log: Log,
): Promise<SnapshotStore> {
  const mode = modeOf(values)
  const secret = secretSource(values, host)
  if (mode === 'vault') {
    return openOrCreateVault(place, host, log, {
      secret,
      signingKey: await signingKeyOf(values.sign, host),
      compressionLevel: levelOf(values.compression),
      retain: retainOf(values, host),
    })
  }
  assertNoKey(secret, place.folder ?? place.url)
  if (values.sign !== undefined)
    throw new ArcError('ARC_OPTION_INVALID', `--mode ${mode} keeps no signatures`, {
      hint: 'Leave --sign out, or use a vault.',
    })
  if (values.retain !== undefined)
    throw new ArcError('ARC_OPTION_INVALID', `--mode ${mode} locks nothing`, {
      hint: 'Leave --retain out, or use a vault on S3.',
    })
  if (mode === 'archive' && place.folder === undefined) {
    const { openRemoteArchives } = await import('./remote-archives.ts')
    return openRemoteArchives(place, host, log, values.format)
  }
  return openSnapshotFolder(folderFor(place, mode), { mode, format: values.format, now: () => host.now() })
}

/** As much of a store as a plan needs. */
type PlannedStore = Pick<SnapshotStore, 'id' | 'location' | 'list' | 'open' | typeof Symbol.asyncDispose>

/** What a snapshot would be compared with: what is kept there, or nothing yet. Makes nothing. */
export async function openToPlan(
  place: VaultPlace,
  values: Values<typeof takeOptions>,
  host: Host,
  log: Log,
): Promise<PlannedStore> {
  if (modeOf(values) !== 'vault') {
    const store = await openToWrite(place, values, host, log)
    // Archives elsewhere are not listed, so there is nothing to compare with.
    return place.folder === undefined
      ? { ...nothingAt(store.location), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
      : store
  }
  try {
    return await openStorePlace(place, host, { secret: secretSource(values, host) })
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_VAULT_NOT_FOUND') throw error
    await assertFree(place, host, error)
    return nothingAt(place.folder ?? withoutPassword(place.url))
  }
}

function nothingAt(location: string): PlannedStore {
  return {
    location,
    list: () => Promise.resolve([]),
    open: () => Promise.reject(new TypeError('nothing is kept there')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

function folderFor({ url, folder }: VaultPlace, mode: SnapshotMode): string {
  if (folder === undefined)
    throw new ArcError('ARC_OPTION_INVALID', `--mode ${mode} needs a folder of this machine, not ${url}`, {
      hint: 'Name a folder with --to.',
    })
  const isOther = existsSync(folder) && !isSnapshotFolder(folder) && readdirSync(folder).length > 0
  if (!isOther) return folder
  const what = existsSync(join(folder, 'config')) ? 'is a vault' : 'holds something else than snapshots'
  throw new ArcError('ARC_TARGET_UNSUITABLE', `${folder} ${what}`, {
    path: folder,
    hint: 'Name another folder with --to.',
  })
}
