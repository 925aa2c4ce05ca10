import { type Host, nameOption, textOption, type Values } from '@arc/kit'
import {
  openStorePlace,
  openVaultPlace,
  type OpenVaultPlaceOptions,
  secretOptions,
  secretSource,
  vaultPlace,
} from '@arc/kit/vault'
import { resolveSnapshot, type SnapshotFilter, type SnapshotInfo, type SnapshotStore, type Vault } from '@arc/snapshot'

const PLACE = { placeholder: 'DEST', complete: 'folder' } as const

/** The option that names the vault to read. */
const fromOption = textOption('the vault: a folder or URL (default: ARC_VAULT, else ~/project_backups/vault)', {
  ...PLACE,
})

/** The option that names the vault to write to. */
export const toOption = textOption('the vault: a folder or URL (default: ARC_VAULT, else ~/project_backups/vault)', {
  ...PLACE,
})

/** What every command that reads a vault takes. */
export const vaultOptions = { from: fromOption, ...secretOptions }

/** Which snapshots of a vault are meant. */
export const filterOptions = {
  project: nameOption('only snapshots of this project'),
  host: nameOption('only snapshots of this machine'),
  tag: nameOption('only snapshots with this tag', { placeholder: 'TAG', repeatable: true }),
}

/** What the options name, opened: a vault, or a folder of copies and archives. */
export function openFrom(values: Values<typeof vaultOptions>, host: Host, how: HowToOpen = {}): Promise<SnapshotStore> {
  return openStorePlace(vaultPlace(values.from, host), host, { secret: secretSource(values, host), ...how })
}

/** The vault that the options name, opened. */
export function openVaultFrom(values: Values<typeof vaultOptions>, host: Host, how: HowToOpen = {}): Promise<Vault> {
  return openVaultPlace(vaultPlace(values.from, host), host, { secret: secretSource(values, host), ...how })
}

type HowToOpen = Pick<OpenVaultPlaceOptions, 'afresh'>

/** What the filter options say. */
export function filterOf({ project, host, tag }: Values<typeof filterOptions>): SnapshotFilter {
  return { project, host, tags: tag }
}

/** An argument that names a snapshot. */
export const SNAPSHOT_HELP = 'an id or its beginning, latest, latest~2, a tag, a note, or a time in UTC'

/** The snapshot that an argument and the filter options mean. */
export function findSnapshot(
  store: SnapshotStore,
  name: string,
  values: Values<typeof filterOptions>,
  signal: AbortSignal,
): Promise<SnapshotInfo> {
  return resolveSnapshot(store, name, { ...filterOf(values), signal })
}
