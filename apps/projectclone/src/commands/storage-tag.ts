import { ArcError } from '@arc/core'
import { defineCommand, flagOption, printJson, textOption } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { openStoragePlace, pathArgument, placeArgument, versionReference } from '../storage/storage-place.ts'

export const tag = defineCommand({
  summary: 'Give a version a name',
  description: 'A version that has a tag is never cleaned up. Without TAG, the tags of the file are listed.',
  arguments: { place: placeArgument, path: pathArgument, tag: textOption('the name', { placeholder: 'TAG' }) },
  options: {
    at: textOption('the version', { default: '-1', placeholder: 'VERSION' }),
    move: flagOption('take the tag from another version'),
    remove: flagOption('take the tag away'),
  },
  conflicts: [['move', 'remove']],
  examples: [
    { command: 'projectclone storage tag s3://bucket/docs plan.md v1', summary: 'the latest version' },
    { command: 'projectclone storage tag s3://bucket/docs plan.md v1 --remove', summary: 'not any more' },
  ],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal }) {
    const { tag: name } = args
    await using place = await openStoragePlace(args.place, host)
    const node = place.node(args.path)
    if (name === undefined) {
      const tags = await node.versionTags(undefined, { signal })
      if (common.json) printJson(host, { tags })
      else host.stdout.write(tags.map((each) => `${each}\n`).join(''))
      return
    }
    if (options.remove) {
      if (await node.untagVersion(name, { signal })) return
      throw new ArcError('ARC_NOT_FOUND', `${args.path} has no tag ${name}`, { hint: 'List them: leave TAG out.' })
    }
    const version = await node.tagVersion(versionReference(options.at), name, { move: options.move, signal })
    if (common.json) printJson(host, { version })
    else host.stdout.write(`${version.id}\n`)
  },
})
