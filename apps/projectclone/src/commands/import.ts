import { defineCommand, fileOption, integerOption, nameOption } from '@arc/kit'
import { openStorePlace, secretSource, vaultPlace } from '@arc/kit/vault'
import { listSnapshots, transferSnapshots } from '@arc/snapshot'
import { writeStatus } from '../exit-status.ts'
import { signingKeyOf, signOption } from '../signing-option.ts'
import { reportTransfer } from '../transfer-report.ts'
import { openOrCreateVault } from '../vault-at-hand.ts'
import { filterOf, filterOptions, findSnapshot, SNAPSHOT_HELP, toOption } from '../vault-options.ts'

const SOURCE = 'Key of PLACE'

export const importSnapshots = defineCommand({
  summary: 'Take over the snapshots of restic, or of an old vault',
  description:
    'Time, host, path and tags stay. --from is a repository of restic, a vault of the projectclone before this one, or a folder of copies and archives. Snapshots that were imported before are passed by. Without names and filters, all snapshots are imported. A snapshot that restic took of one folder becomes one of what is in that folder.',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { repeatable: true, placeholder: 'SNAPSHOT' }) },
  options: {
    from: nameOption('where they are: restic: and a folder or URL, or a folder', {
      required: true,
      placeholder: 'PLACE',
      complete: 'folder',
    }),
    to: toOption,
    toPassphraseFile: fileOption('the passphrase of the vault is the first line of FILE', { group: 'Key of DEST' }),
    toIdentity: fileOption('an age identity that opens the vault', { group: 'Key of DEST' }),
    sign: signOption,
    ...filterOptions,
    passphraseFile: fileOption('its passphrase is the first line of FILE; - is standard input', { group: SOURCE }),
    passphraseFd: integerOption({ min: 0, max: 1_000_000 }, 'its passphrase is the first line of this descriptor', {
      group: SOURCE,
    }),
    identity: fileOption('an age identity that opens it', { group: SOURCE }),
  },
  examples: [
    { command: 'projectclone import --from restic:/mnt/disk/repo', summary: 'everything, into the vault' },
    { command: 'projectclone import latest --from restic:sftp://me@host/repo', summary: 'the newest snapshot' },
    { command: 'projectclone import --from ~/old-vault --to /mnt/disk/vault', summary: 'an old vault' },
  ],
  exitStatus: { ...writeStatus, 4: 'done, but for what a snapshot cannot hold: sockets, pipes and devices' },
  async run({ arguments: args, options, host, common, log, signal, progress }) {
    await using from = await openStorePlace(vaultPlace(options.from, host), host, {
      secret: secretSource(options, host, `Password of ${options.from}`),
    })
    const own = { passphraseFile: options.toPassphraseFile, passphraseFd: undefined, identity: options.toIdentity }
    await using to = await openOrCreateVault(vaultPlace(options.to, host), host, log, {
      signingKey: await signingKeyOf(options.sign, host),
      secret: secretSource(own, host, undefined, '--to-passphrase-file, --to-identity, or in ARC_PASSPHRASE'),
    })
    const ids: string[] = []
    if (args.snapshot.length === 0)
      for (const { id } of await listSnapshots(from, { ...filterOf(options), signal })) ids.push(id)
    for (const name of args.snapshot) ids.push((await findSnapshot(from, name, options, host)).id)
    const snapshots = await transferSnapshots(from, to, { ids, signal, onProgress: progress.listener })
    const transfer = { location: to.location, snapshots, asked: new Set(ids).size, done: 'imported' }
    return reportTransfer(transfer, { host, common, log })
  },
})
