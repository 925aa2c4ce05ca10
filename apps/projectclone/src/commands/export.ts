import { ArcError, isArcError } from '@arc/core'
import { defineCommand, fileOption, flagOption, type Host, nameOption } from '@arc/kit'
import {
  isResticPlace,
  newPassphrase,
  openResticPlace,
  secretSource,
  type VaultPlace,
  vaultPlace,
} from '@arc/kit/vault'
import { listSnapshots, type SnapshotStore, transferSnapshots } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { reportTransfer } from '../transfer-report.ts'
import { filterOf, filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const GROUP = 'Password of the repository'

export const exportSnapshots = defineCommand({
  summary: 'Write snapshots into a repository of restic',
  description:
    'restic lists, checks and restores them as its own: time, host, path and tags stay. What the repository has already is not stored again, whoever stored it. Snapshots that were exported before are passed by. Without names and filters, all snapshots are exported. Owners become those of whoever exports where the snapshot has none.',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { repeatable: true, placeholder: 'SNAPSHOT' }) },
  options: {
    to: nameOption('restic: and a folder or URL', { required: true, placeholder: 'restic:DEST', complete: 'folder' }),
    init: flagOption('make the repository if there is none'),
    toPassphraseFile: fileOption('its password is the first line of FILE; - is standard input', { group: GROUP }),
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone export latest --to restic:/mnt/disk/repo', summary: 'the newest snapshot' },
    { command: 'projectclone export --tag release --to restic:s3://bucket/repo', summary: 'the releases' },
    { command: 'projectclone export --to restic:repo --init', summary: 'everything, into a new repository' },
  ],
  exitStatus: {
    ...readStatus,
    4: 'done, but for paths that the snapshots left out',
    75: 'somebody prunes the repository',
  },
  async run({ arguments: args, options, host, common, log, signal, progress }) {
    const place = resticPlace(options.to, host)
    await using from = await openFrom(options, host)
    await using to = await openTarget(place, options, host)
    const ids: string[] = []
    if (args.snapshot.length === 0)
      for (const { id } of await listSnapshots(from, { ...filterOf(options), signal })) ids.push(id)
    for (const name of args.snapshot) ids.push((await findSnapshot(from, name, options, host)).id)
    const snapshots = await transferSnapshots(from, to, { ids, signal, onProgress: progress.listener })
    const transfer = { location: to.location, snapshots, asked: new Set(ids).size, done: 'exported' }
    return reportTransfer(transfer, { host, common, log })
  },
})

interface TargetValues {
  readonly to: string
  readonly init: boolean
  readonly toPassphraseFile: string | undefined
}

function resticPlace(to: string, host: Host): VaultPlace {
  const place = vaultPlace(to, host)
  if (isResticPlace(place)) return place
  throw new ArcError('ARC_OPTION_INVALID', `${to} does not say that it is a repository of restic`, {
    hint: `Write --to restic:${to}; for another vault there is projectclone copy.`,
  })
}

async function openTarget(
  place: VaultPlace,
  { to, init, toPassphraseFile }: TargetValues,
  host: Host,
): Promise<SnapshotStore> {
  const own = { passphraseFile: toPassphraseFile, passphraseFd: undefined, identity: undefined }
  const secret = secretSource(own, host, `Password of ${to}`, '--to-passphrase-file, or in ARC_PASSPHRASE')
  try {
    return await openResticPlace(place, host, { secret })
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_VAULT_NOT_FOUND') throw error
    if (!init) throw new ArcError(error.code, error.message, { cause: error, hint: 'Make one there with --init.' })
    const password = async (): Promise<{ passphrase: string }> => ({
      passphrase: await newPassphrase(own, host, `New password of ${to}`, '--to-passphrase-file, or in ARC_PASSPHRASE'),
    })
    return openResticPlace(place, host, { secret: password, create: true })
  }
}
