import { ArcError } from '@arc/core'
import { defineCommand, nameOption, printJson, textOption, visible } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { shortId } from '../snapshot-rows.ts'
import { filterOptions, findSnapshot, openFrom, SNAPSHOT_HELP, vaultOptions } from '../vault-options.ts'

const { tag: _, ...projectFilter } = filterOptions

export const tag = defineCommand({
  summary: 'Change the tags of a snapshot',
  arguments: { snapshot: textOption(SNAPSHOT_HELP, { required: true, placeholder: 'SNAPSHOT' }) },
  options: {
    add: nameOption('a tag to add', { placeholder: 'TAG', repeatable: true }),
    remove: nameOption('a tag to take away', { placeholder: 'TAG', repeatable: true }),
    ...projectFilter,
    ...vaultOptions,
  },
  examples: [{ command: 'projectclone tag latest --add release', summary: 'a name that retention can keep' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal }) {
    const { add, remove } = options
    if (add.length + remove.length === 0)
      throw new ArcError('ARC_OPTION_INVALID', 'there is nothing to change', { hint: 'Give --add or --remove.' })
    if (add.includes(''))
      throw new ArcError('ARC_OPTION_INVALID', '--add: a tag must not be empty', { hint: 'Give it a name.' })
    await using vault = await openFrom(options, host)
    const { id } = await findSnapshot(vault, args.snapshot, { ...options, tag: [] }, signal)
    const snapshot = await vault.tag(id, { add, remove }, { signal })
    if (common.json) printJson(host, { snapshot })
    else host.stdout.write(`${shortId(snapshot.id)} ${visible(snapshot.tags.join(' '))}\n`)
  },
})
