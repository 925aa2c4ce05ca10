import { ArcError } from '@arc/core'
import { defineCommand } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, pathArgument, placeArgument, selectorOf, versionOptions } from '../storage/storage-place.ts'

export const cat = defineCommand({
  summary: 'Print a file, as it is or was',
  arguments: { place: placeArgument, path: pathArgument },
  options: versionOptions,
  conflicts: [['at', 'tag', 'asOf']],
  examples: [
    { command: 'projectclone storage cat s3://bucket/docs plan.md', summary: 'as it is' },
    { command: 'projectclone storage cat s3://bucket/docs plan.md --as-of 2026-01-01', summary: 'as it was then' },
  ],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal, progress }) {
    if (common.json)
      throw new ArcError('ARC_OPTION_INVALID', 'the content of a file is no JSON', { hint: 'Leave --json out.' })
    await using place = await openStoragePlace(args.place, host, { isOnlyRead: true })
    const selected = { ...selectorOf(options), signal, onProgress: progress.listener }
    for await (const piece of place.node(args.path).stream(selected)) await host.stdout.writeBytes(piece)
  },
})
