import { defineCommand, fileOption, formatCounted, nameOption, printJson } from '@arc/kit'
import { openVaultPlace, secretSource, vaultPlace } from '@arc/kit/vault'
import { copySnapshots, listSnapshots } from '@arc/snapshot'
import { writeStatus } from '../exit-status.ts'
import { signingKeyOf, signOption } from '../signing-option.ts'
import { shortId, snapshotTable } from '../snapshot-rows.ts'
import { filterOf, filterOptions, findSnapshot, openVaultFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const GROUP = 'Key of the other vault'

export const copy = defineCommand({
  summary: 'Copy snapshots into another vault',
  description:
    'What the other vault has already is passed by. The two may be locked with different keys, or one of them not at all. Without names and filters, all snapshots are copied.',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { repeatable: true, placeholder: 'SNAPSHOT' }) },
  options: {
    to: nameOption('the other vault, which must be there: a folder or URL', {
      required: true,
      placeholder: 'DEST',
      complete: 'folder',
    }),
    toPassphraseFile: fileOption('its passphrase is the first line of FILE', { group: GROUP }),
    toIdentity: fileOption('an age identity that opens it', { group: GROUP }),
    sign: signOption,
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone copy --to s3://bucket/vault', summary: 'everything that is not there yet' },
    { command: 'projectclone copy --tag release --to /mnt/disk/vault', summary: 'the releases' },
  ],
  exitStatus: writeStatus,
  async run({ arguments: args, options, host, common, log, signal, progress }) {
    await using from = await openVaultFrom(options, host)
    const own = { passphraseFile: options.toPassphraseFile, passphraseFd: undefined, identity: options.toIdentity }
    await using to = await openVaultPlace(vaultPlace(options.to, host), host, {
      signingKey: await signingKeyOf(options.sign, host),
      secret: secretSource(
        own,
        host,
        `Passphrase of ${options.to}`,
        '--to-passphrase-file, --to-identity, or in ARC_PASSPHRASE',
      ),
    })
    const ids: string[] = []
    if (args.snapshot.length === 0)
      for (const { id } of await listSnapshots(from, { ...filterOf(options), signal })) ids.push(id)
    for (const name of args.snapshot) ids.push((await findSnapshot(from, name, options, host)).id)
    const snapshots = await copySnapshots(from, to, { ids, signal, onProgress: progress.listener })
    if (common.json) printJson(host, { location: to.location, snapshots })
    else if (snapshots.length > 0) host.stdout.write(snapshotTable(snapshots))
    const passed = ids.length - snapshots.length
    log.info(
      `${formatCounted(snapshots.length, 'snapshot')} copied${passed > 0 ? `, ${passed} were there already` : ''}`,
    )
    log.detail(ids.map(shortId).join(' '))
  },
})
