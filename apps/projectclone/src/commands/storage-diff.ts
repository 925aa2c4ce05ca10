import { isArcError } from '@arc/core'
import { choiceOption, defineCommand, printJson, visible } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import {
  openStoragePlace,
  pathArgument,
  placeArgument,
  rangeOptions,
  versionReference,
} from '../storage/storage-place.ts'

export const diff = defineCommand({
  summary: 'Show how two versions differ',
  description: 'The exit status is 0 also when they differ. Text as `patch` takes it; JSON and CSV by what they say.',
  arguments: { place: placeArgument, path: pathArgument },
  options: {
    ...rangeOptions,
    format: choiceOption(['unified', 'context', 'html', 'json', 'csv'], 'how to compare and show', {
      default: 'unified',
    }),
  },
  examples: [
    { command: 'projectclone storage diff s3://bucket/docs plan.md', summary: 'the last change' },
    { command: 'projectclone storage diff docs data.json --from 0 --format json', summary: 'since the beginning' },
  ],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host, { isOnlyRead: true })
    const node = place.node(args.path)
    const { format, context: contextLines } = options
    const range = { from: versionReference(options.from), to: versionReference(options.to), signal }
    if (format === 'json') return printJson(host, await node.diffVersionsJson(range))
    if (format === 'csv') return printJson(host, await node.diffVersionsCsv(range))
    const text = await node.diffVersionsText({ ...range, format, contextLines }).catch(async (error: unknown) => {
      if (!isArcError(error) || error.code !== 'ARC_DIFF_INPUT_INVALID') throw error
      return (await node.diffVersions(range)).isEqual ? '' : `Binary versions of ${visible(args.path)} differ\n`
    })
    if (common.json) printJson(host, { format, isEqual: text === '', text })
    else host.stdout.write(text)
  },
})
