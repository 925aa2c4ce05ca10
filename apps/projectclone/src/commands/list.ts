import { defineCommand, integerOption, printJson } from '@arc/kit'
import { listSnapshots } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { snapshotTable } from '../snapshot-rows.ts'
import { filterOf, filterOptions, openFrom, vaultOptions } from '../vault-options.ts'

export const list = defineCommand({
  summary: 'List the snapshots',
  options: {
    last: integerOption({ min: 1 }, 'only the newest so many'),
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone list', summary: 'all of them, oldest first' },
    { command: 'projectclone list --project app --last 10', summary: 'the newest ten of a project' },
  ],
  exitStatus: readStatus,
  async run({ options, host, common, log, signal }) {
    await using vault = await openFrom(options, host)
    const all = await listSnapshots(vault, { ...filterOf(options), signal })
    const snapshots = options.last === undefined ? all : all.slice(-options.last)
    if (common.json) printJson(host, { location: vault.location, snapshots })
    else if (snapshots.length > 0) host.stdout.write(snapshotTable(snapshots))
    else log.info('no snapshots')
    return vault.damagedRecords?.length ? 3 : 0
  },
})
