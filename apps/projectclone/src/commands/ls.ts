import type { Entry } from '@arc/core'
import { defineCommand, flagOption, formatTable, nameOption, printJson, textOption } from '@arc/kit'
import { asEntryPath } from '../entry-argument.ts'
import { readStatus } from '../exit-status.ts'
import { ENTRY_COLUMNS, entryCells, entryJson, shortId } from '../snapshot-rows.ts'
import { filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, tellFound, vaultOptions } from '../vault-options.ts'

export const ls = defineCommand({
  summary: 'List a folder of a snapshot',
  arguments: {
    snapshot: nameOption(SNAPSHOT_HELP, { default: 'latest', placeholder: 'SNAPSHOT' }),
    path: textOption('a path in it (default: its top)', { placeholder: 'PATH' }),
  },
  options: {
    recursive: flagOption('all that lies below, too', { short: 'R' }),
    ...filterOptions,
    ...vaultOptions,
  },
  examples: [
    { command: 'projectclone ls latest src', summary: 'a folder of the newest snapshot' },
    { command: 'projectclone ls 3f2a -R', summary: 'everything in one' },
  ],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, log, signal }) {
    await using vault = await openFrom(options, host)
    const found = await findSnapshot(vault, args.snapshot, options, host)
    const { id } = found
    tellFound(args.snapshot, found, log)
    const under = asEntryPath(args.path)
    await using source = await vault.open(id, { under, signal })
    const entries: Entry[] = []
    for await (const batch of source.entries({ signal }))
      for (const entry of batch) if (isListed(entry, under, options.recursive)) entries.push(entry)
    if (common.json) printJson(host, { snapshot: id, entries: entries.map(entryJson) })
    else if (entries.length > 0) host.stdout.write(formatTable(ENTRY_COLUMNS, entries.map(entryCells)))
    else host.stdout.write(`${shortId(id)} holds nothing there\n`)
  },
})

/** What is in the folder; of a file, the file itself. */
function isListed({ path, type }: Entry, under: string | undefined, isRecursive: boolean): boolean {
  if (path === under) return type !== 'directory'
  const rest = under === undefined ? path : path.slice(under.length + 1)
  return isRecursive || !rest.includes('/')
}
