import { resolve } from 'node:path'
import { ArcError } from '@arc/core'
import { type Host, type Log, nameOption, type Values } from '@arc/kit'
import {
  folderAtHand,
  openStorePlace,
  openVaultPlace,
  type OpenVaultPlaceOptions,
  secretOptions,
  secretSource,
  snapshotLabel,
  vaultPlace,
} from '@arc/kit/vault'
import {
  resolveSnapshot,
  type ResolveOptions,
  type SnapshotFilter,
  type SnapshotInfo,
  type SnapshotStore,
  type Vault,
} from '@arc/snapshot'

import { signingKeyOf } from './signing-option.ts'

const PLACE = { placeholder: 'DEST', complete: 'folder' } as const

/** The option that names the vault to read. */
const fromOption = nameOption('the vault: a folder or URL (default: ARC_VAULT, else ~/project_backups/vault)', {
  ...PLACE,
})

/** The option that names the vault to write to. */
export const toOption = nameOption('the vault: a folder or URL (default: ARC_VAULT, else ~/project_backups/vault)', {
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

type HowToOpen = Pick<OpenVaultPlaceOptions, 'afresh' | 'signingKey'>

/** The same to write to it, too: what is written to a vault is signed, if the options name a key. */
export async function openToChange(
  values: Values<typeof vaultOptions> & { readonly sign: string | undefined },
  host: Host,
): Promise<SnapshotStore> {
  const signingKey = await signingKeyOf(values.sign, host)
  const store = await openFrom(values, host, { signingKey })
  if (signingKey === undefined || store.mode === 'vault') return store
  await store[Symbol.asyncDispose]()
  throw new ArcError('ARC_OPTION_INVALID', `no signatures are kept at ${store.location}`, {
    hint: 'Leave --sign out: only vaults have signed records.',
  })
}

/** What the filter options say. */
export function filterOf({ project, host, tag }: Values<typeof filterOptions>): SnapshotFilter {
  return { project, host, tags: tag }
}

/** An argument that names a snapshot. */
export const SNAPSHOT_HELP = 'an id or its beginning, latest, latest~2, a tag, a note, or a time in UTC'

/** Which snapshots a name can mean: by the filter options, else those of the folder, or of the current one, if there are any. */
export function scopeOf(values: Values<typeof filterOptions>, host: Host, folder = '.'): ResolveOptions {
  const folders = [folder, '.'].map((each) => folderAtHand(resolve(host.cwd, each)))
  return { ...filterOf(values), folders, signal: host.signal }
}

/** The snapshot that an argument and the filter options mean; `folder` is the one at hand. */
export function findSnapshot(
  store: SnapshotStore,
  name: string,
  values: Values<typeof filterOptions>,
  host: Host,
  folder?: string,
): Promise<SnapshotInfo> {
  return resolveSnapshot(store, name, scopeOf(values, host, folder))
}

/** Say which snapshot was found by a name that does not tell. */
export function tellFound(name: string, snapshot: SnapshotInfo, log: Log): void {
  if (!snapshot.id.startsWith(name)) log.info(snapshotLabel(snapshot))
}
