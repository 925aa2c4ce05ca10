import { defineCommand, folderOption } from '@arc/kit'
import { writeStatus } from '../exit-status.ts'
import { takeOptions } from '../snapshot-options.ts'
import { noteOptions, takeOrPlan } from '../take-or-plan.ts'

export const snapshot = defineCommand({
  summary: 'Take a snapshot of a project',
  description:
    'Everything in the folder goes into the vault, whatever git ignores included, but for what an option or a .projectcloneignore file (in the language of .gitignore) leaves out. What the vault has already is not stored again. The id of the snapshot is printed on standard output.',
  arguments: { root: folderOption('the project', { default: '.', placeholder: 'ROOT' }) },
  options: {
    ...noteOptions,
    ...takeOptions,
  },
  examples: [
    { command: 'projectclone snapshot ~/code/app --note "before the merge"', summary: 'into the vault at home' },
    { command: 'projectclone snapshot --to /mnt/disk/vault --tag nightly', summary: 'into one on a disk' },
    { command: 'projectclone snapshot --to s3://bucket/vault', summary: 'into one in an object store' },
    { command: 'projectclone snapshot --gitignore --exclude-caches', summary: 'without what can be made again' },
    { command: 'projectclone snapshot --dry-run', summary: 'what would be stored' },
  ],
  exitStatus: { ...writeStatus, 4: 'taken, but for what could not be read or kept changing, which is listed' },
  async run(context) {
    return await takeOrPlan(context.arguments.root, context.options.note, context)
  },
})
