import { defineCommand, printJson } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import {
  neededSelector,
  openStoragePlace,
  pathArgument,
  placeArgument,
  versionOptions,
} from '../storage/storage-place.ts'

export const rollback = defineCommand({
  summary: 'Make a past version the present one',
  description: 'Its content becomes a new version: nothing is lost by it. The id of the new version is printed.',
  arguments: { place: placeArgument, path: pathArgument },
  options: versionOptions,
  conflicts: [['at', 'tag', 'asOf']],
  examples: [{ command: 'projectclone storage rollback s3://bucket/docs plan.md --tag v1', summary: 'to a tag' }],
  exitStatus: { ...readStatus, 75: 'somebody else has locked it; try again' },
  async run({ arguments: args, options, host, common, signal }) {
    const selector = neededSelector(options)
    await using place = await openStoragePlace(args.place, host)
    const result = await place.node(args.path).rollback({ ...selector, signal })
    if (common.json) printJson(host, result)
    else host.stdout.write(`${result.version.id}\n`)
  },
})
