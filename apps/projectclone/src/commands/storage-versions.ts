import { ArcError } from '@arc/core'
import { defineCommand, printJson, visible } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, pathArgument, placeArgument } from '../storage/storage-place.ts'
import { versionTable } from '../storage/version-rows.ts'

export const versions = defineCommand({
  summary: 'List the versions of a file',
  description: 'Oldest first. Deletions are versions, too.',
  arguments: { place: placeArgument, path: pathArgument },
  examples: [{ command: 'projectclone storage versions s3://bucket/docs plan.md', summary: 'with tags and facts' }],
  exitStatus: readStatus,
  async run({ arguments: args, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host, { isOnlyRead: true })
    const found = await place.node(args.path).versions({ signal })
    if (found.length === 0)
      throw new ArcError('ARC_OBJECT_NOT_FOUND', `there has never been anything at ${visible(args.path)}`, {
        hint: 'Check the spelling of the path.',
      })
    if (common.json) printJson(host, { versions: found })
    else host.stdout.write(versionTable(found))
  },
})
