import { defineCommand, printJson } from '@arc/kit'
import { openStoragePlace, pathArgument, placeArgument } from '../storage/storage-place.ts'
import { versionTable } from '../storage/version-rows.ts'

export const versions = defineCommand({
  summary: 'List the versions of a file',
  description: 'Oldest first. Deletions are versions, too.',
  arguments: { place: placeArgument, path: pathArgument },
  examples: [{ command: 'projectclone storage versions s3://bucket/docs plan.md', summary: 'with tags and facts' }],
  async run({ arguments: args, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host)
    const found = await place.node(args.path).versions({ signal })
    if (common.json) printJson(host, { versions: found })
    else if (found.length > 0) host.stdout.write(versionTable(found))
    return found.length === 0 ? 1 : 0
  },
})
