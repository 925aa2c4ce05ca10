import { ArcError } from '@arc/core'
import { defineCommand, nameOption, printJson, visible } from '@arc/kit'
import { snapshotLabel } from '@arc/kit/vault'
import type { SnapshotInfo } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { shortId } from '../snapshot-rows.ts'
import { signOption, warnOfUnsigned } from '../signing-option.ts'
import { newTagOption } from '../tag-option.ts'
import { filterOptions, findSnapshot, openToChange, SNAPSHOT_HELP, tellFound, vaultOptions } from '../vault-options.ts'

const { tag: _, ...projectFilter } = filterOptions

export const tag = defineCommand({
  summary: 'Change the tags of a snapshot',
  arguments: { snapshot: nameOption(SNAPSHOT_HELP, { required: true, placeholder: 'SNAPSHOT' }) },
  options: {
    add: newTagOption('a tag to add', { repeatable: true }),
    remove: nameOption('a tag to take away', { placeholder: 'TAG', repeatable: true }),
    sign: signOption,
    ...projectFilter,
    ...vaultOptions,
  },
  examples: [{ command: 'projectclone tag latest --add release', summary: 'a name that retention can keep' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, log, signal }) {
    const { add, remove } = options
    if (add.length + remove.length === 0)
      throw new ArcError('ARC_OPTION_INVALID', 'there is nothing to change', { hint: 'Give --add or --remove.' })
    await using vault = await openToChange(options, host)
    const found = await findSnapshot(vault, args.snapshot, { ...options, tag: [] }, host)
    assertTags(found, remove)
    tellFound(args.snapshot, found, log)
    warnOfUnsigned([found], options.sign, log)
    const snapshot = await vault.tag(found.id, { add, remove }, { signal })
    if (common.json) printJson(host, { snapshot })
    else host.stdout.write(`${shortId(snapshot.id)} ${visible(snapshot.tags.join(' '))}\n`)
  },
})

/** What is not there cannot be taken away: that is a slip, and nothing is changed then. */
function assertTags(snapshot: SnapshotInfo, wanted: readonly string[]): void {
  const absent = wanted.find((each) => !snapshot.tags.includes(each))
  if (absent === undefined) return
  const tags = snapshot.tags.length === 0 ? 'It has no tags.' : `Its tags: ${snapshot.tags.join(', ')}.`
  throw new ArcError('ARC_NOT_FOUND', `${snapshotLabel(snapshot)} has no tag ${absent}`, { hint: tags })
}
