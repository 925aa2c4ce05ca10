import { ArcError } from '@arc/core'
import { defineCommand, textOption } from '@arc/kit'
import { writeStatus } from '../exit-status.ts'
import { takeOptions } from '../snapshot-options.ts'
import { noteOptions, takeOrPlan } from '../take-or-plan.ts'

export const save = defineCommand({
  summary: 'Take a snapshot of the current folder, with a note',
  description:
    'What `projectclone NOTE` does. Everything in the current folder goes into the vault, whatever git ignores included: ~/project_backups/vault, or the one that ARC_VAULT or --to names. The vault is made at the first use. The id of the snapshot is printed on standard output.',
  arguments: { note: textOption('what to call it', { repeatable: true, placeholder: 'NOTE' }) },
  options: { ...noteOptions, ...takeOptions },
  examples: [
    { command: 'projectclone', summary: 'before every risky step' },
    { command: 'projectclone before the big merge', summary: 'with a note' },
    { command: 'projectrestore latest --to ../as-it-was', summary: 'and back' },
  ],
  exitStatus: { ...writeStatus, 4: 'taken, but for what could not be read or kept changing, which is listed' },
  async run(context) {
    const { arguments: args, options } = context
    const words = args.note.length === 0 ? undefined : args.note.join(' ')
    if (words !== undefined && options.note !== undefined)
      throw new ArcError('ARC_OPTION_INVALID', 'two notes are given', { hint: 'Leave --note or the words out.' })
    return await takeOrPlan('.', words ?? options.note, context)
  },
})
