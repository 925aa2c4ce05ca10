import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ArcError, isArcError } from '@arc/core'
import { type Host, nameOption, type Values } from '@arc/kit'
import { folderAtHand, secretOptions, secretSource, snapshotLabel, vaultPlace } from '@arc/kit/vault'
import { givenLimits, type limitOptions } from './limit-options.ts'
import type { StoredState } from './stored-bytes.ts'

/** Where snapshots are, and how their vault is opened. */
export const vaultOptions = {
  from: nameOption('SOURCE is a snapshot there: a folder or URL (default: ARC_VAULT, else ~/project_backups/vault)', {
    placeholder: 'DEST',
    complete: 'folder',
  }),
  snapshot: nameOption(
    'where SOURCE is a repository of restic or an old vault: which of its snapshots (default: latest)',
    {
      placeholder: 'SNAPSHOT',
    },
  ),
  project: nameOption('of the snapshots only those of this project', { placeholder: 'NAME' }),
  ...secretOptions,
}

export type VaultValues = Values<typeof vaultOptions> & {
  /** The folder to restore to: names mean snapshots of it, if there are any, else of the current folder. */
  readonly to?: string | undefined
} & Partial<Values<typeof limitOptions>>

/** Whether a name that no file has may be that of a snapshot: there is a vault to look into. */
export function hasVault({ from }: VaultValues, host: Host): boolean {
  const { folder, isDefault } = vaultPlace(from, host)
  return from !== undefined || !isDefault || (folder !== undefined && existsSync(folder))
}

/** The snapshot that a name means. Throws `missing`, if given, instead of `ARC_SNAPSHOT_UNKNOWN`. */
export async function openVaultState(
  name: string,
  values: VaultValues,
  host: Host,
  missing?: ArcError,
): Promise<StoredState> {
  const [{ openStorePlace }, { resolveSnapshot }] = await Promise.all([
    import('@arc/kit/vault'),
    import('@arc/snapshot'),
  ])
  const place = vaultPlace(values.from, host)
  const vault = await openStorePlace(place, host, { secret: secretSource(values, host) })
  const { signal } = host
  try {
    const folders = [...(values.to === undefined ? [] : [values.to]), '.'].map((each) =>
      folderAtHand(resolve(host.cwd, each)),
    )
    const found = await resolveSnapshot(vault, name, { project: values.project, folders, signal })
    const { id, project, time } = found
    return {
      kind: 'snapshot',
      name: basename(project),
      path: undefined,
      snapshot: id,
      vaultFolder: place.folder,
      label: snapshotLabel(found),
      madeAt: new Date(time),
      open: () => vault.open(id, { limits: givenLimits(values), signal }),
      [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose](),
    }
  } catch (error) {
    await vault[Symbol.asyncDispose]()
    if (missing === undefined || !isArcError(error) || error.code !== 'ARC_SNAPSHOT_UNKNOWN') throw error
    const hint = `Check the spelling; there is no snapshot of that name in ${vault.location} either.`
    throw new ArcError(missing.code, missing.message, {
      hint,
      cause: missing,
      ...(missing.path && { path: missing.path }),
    })
  }
}
