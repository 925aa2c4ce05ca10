import { openSnapshotFolder, type SnapshotStore } from '@arc/snapshot'
import type { Host } from './host.ts'
import { openPlace } from './open-place.ts'
import { openVaultPlace, type OpenVaultPlaceOptions } from './open-vault-place.ts'
import { openResticPlace } from './restic-place.ts'
import { isPredecessorPlace, isResticPlace, isSnapshotFolder } from './store-format.ts'
import { tellingDamage } from './tell-damage.ts'
import type { VaultPlace } from './vault-place.ts'
import { assertNoKey } from './vault-secret.ts'

/**
 * Open what keeps snapshots at a place, to read them: a vault, a folder of copies and archives, a repository of restic, or a vault of
 * the projectclone before this one.
 */
export async function openStorePlace(
  place: VaultPlace,
  host: Host,
  options: OpenVaultPlaceOptions,
): Promise<SnapshotStore> {
  const { folder } = place
  if (isResticPlace(place)) return openResticPlace(place, host, options)
  const isOld = isPredecessorPlace(place)
  if (isOld || (folder !== undefined && isSnapshotFolder(folder))) assertNoKey(options.secret, folder ?? place.url)
  // How its snapshots are kept stands in the record of each; the mode is for new ones.
  if (folder !== undefined && isSnapshotFolder(folder))
    return tellingDamage(openSnapshotFolder(folder, { mode: 'copy' }), host)
  if (isOld) {
    const { PredecessorVault } = await import('@arc/snapshot/predecessor')
    return new PredecessorVault(await openPlace(place.url, host))
  }
  return openVaultPlace(place, host, options)
}
