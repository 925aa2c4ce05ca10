import { defineCommand, printJson, textOption } from '@arc/kit'
import { readStatus } from '../exit-status.ts'
import { factOption, factsOf } from '../storage/facts.ts'
import { openStoragePlace, pathArgument, placeArgument, versionReference } from '../storage/storage-place.ts'

export const annotate = defineCommand({
  summary: 'Note facts about a version',
  description: 'A value that is JSON is kept as such; null takes a fact away.',
  arguments: {
    place: placeArgument,
    path: pathArgument,
    fact: factOption('such as author=a@b', { required: true, repeatable: true }),
  },
  options: { at: textOption('the version', { default: '-1', placeholder: 'VERSION' }) },
  examples: [{ command: 'projectclone storage annotate docs plan.md author=ada reviewed=true', summary: 'two facts' }],
  exitStatus: readStatus,
  async run({ arguments: args, options, host, common, signal }) {
    await using place = await openStoragePlace(args.place, host)
    const metadata = factsOf(args.fact)
    const version = await place
      .node(args.path)
      .annotateVersion({ version: versionReference(options.at), metadata, signal })
    if (common.json) printJson(host, { version })
    else host.stdout.write(`${version.id}\n`)
  },
})
