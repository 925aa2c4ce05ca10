import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError } from '@arc/core'
import type { Host, Log, Values } from '@arc/kit'
import { assertNoKey, homePath, isSnapshotFolder, secretSource, vaultPlace, type VaultPlace } from '@arc/kit/vault'
import { openSnapshotFolder, type SnapshotMode, type SnapshotStore } from '@arc/snapshot'
import { modeOf } from './mode-options.ts'
import { retainOf } from './retain-options.ts'
import { signingKeyOf } from './signing-option.ts'
import { levelOf, type takeOptions } from './snapshot-options.ts'
import { openOrCreateVault } from './vault-at-hand.ts'

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
