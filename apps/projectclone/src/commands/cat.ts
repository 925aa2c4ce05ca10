import { ArcError, type Entry, printablePath, readContent } from '@arc/core'
import { defineCommand, nameOption, textOption } from '@arc/kit'
import { asEntryPath } from '../entry-argument.ts'
import { readStatus } from '../exit-status.ts'
import { filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, tellFound, vaultOptions } from '../vault-options.ts'

export const cat = defineCommand({
  summary: 'Print a file of a snapshot',
  arguments: {
    snapshot: nameOption(SNAPSHOT_HELP, { required: true, placeholder: 'SNAPSHOT' }),
    path: textOption('a file in it', { required: true, placeholder: 'PATH' }),
  },
  options: { ...filterOptions, ...vaultOptions },
  examples: [{ command: 'projectclone cat latest~1 src/main.ts | less', summary: 'a file as it was' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, log, signal }) {
    if (common.json)
      throw new ArcError('ARC_OPTION_INVALID', 'the content of a file is no JSON', { hint: 'Leave --json out.' })
    await using vault = await openFrom(options, host)
    const found = await findSnapshot(vault, args.snapshot, options, host)
    tellFound(args.snapshot, found, log)
    const path = asEntryPath(args.path)
    await using source = await vault.open(found.id, { under: path, signal })
    const entry = await firstEntry(source.entries({ signal }))
    if (entry?.content === undefined || entry.path !== path) {
      const isLink = entry?.target !== undefined
      const what = isLink ? `a link to ${printablePath(entry.target)}` : 'a folder'
      throw new ArcError('ARC_ARGUMENT_INVALID', `${args.path} is ${what}, not a file`, {
        hint: 'See what there is with projectclone ls.',
      })
    }
    for await (const piece of readContent(entry.content)) await host.stdout.writeBytes(piece)
  },
})

async function firstEntry(batches: AsyncIterable<readonly Entry[]>): Promise<Entry | undefined> {
  for await (const [first] of batches) return first
  return undefined
}
