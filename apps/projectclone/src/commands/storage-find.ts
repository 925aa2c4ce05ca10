import { defineCommand, printJson, textOption } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { factOption, factsOf } from '../storage/facts.ts'
import { openStoragePlace, placeArgument } from '../storage/storage-place.ts'
import { versionTable } from '../storage/version-rows.ts'

export const find = defineCommand({
  summary: 'Find versions by their facts',
  description: 'Those that have all the facts, of every file. The exit status is 1 when nothing is found.',
  arguments: {
    place: placeArgument,
    fact: factOption('such as author=a@b', { required: true, repeatable: true }),
  },
  options: { in: textOption('only this file, or what lies in this folder', { placeholder: 'PATH' }) },
  examples: [{ command: 'projectclone storage find s3://bucket/docs author=ada', summary: 'what Ada wrote' }],
  exitStatus: { ...readStatus, 1: 'nothing was found, or it failed' },
  async run({ arguments: args, options, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host, { isOnlyRead: true })
    const versions = await place.node(options.in).findVersions(factsOf(args.fact), { signal })
    if (common.json) printJson(host, { versions })
    else if (versions.length > 0) host.stdout.write(versionTable(versions, { withPath: true }))
    return versions.length === 0 ? 1 : 0
  },
})
