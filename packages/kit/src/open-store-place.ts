import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSnapshotFolder, type SnapshotStore } from '@arc/snapshot'
import type { Host } from './host.ts'
import { openVaultPlace, type OpenVaultPlaceOptions } from './open-vault-place.ts'
import type { VaultPlace } from './vault-place.ts'

const RECORD_SUFFIX = '.snapshot.json'

/** Open what keeps snapshots at a place, to read them: a vault, or a folder of copies and archives. */
export async function openStorePlace(
  place: VaultPlace,
  host: Host,
  options: OpenVaultPlaceOptions,
): Promise<SnapshotStore> {
  const { folder } = place
  // How its snapshots are kept stands in the record of each; the mode is for new ones.
  if (folder !== undefined && isSnapshotFolder(folder)) return openSnapshotFolder(folder, { mode: 'copy' })
  return openVaultPlace(place, host, options)
}

/** Whether a folder is no vault, and has snapshots that are copies, links or archives. */
export function isSnapshotFolder(folder: string): boolean {
  if (existsSync(join(folder, 'config'))) return false
  try {
    return readdirSync(folder).some((name) => name.endsWith(RECORD_SUFFIX))
  } catch {
    return false // what is wrong with it is told when it is opened
  }
}
