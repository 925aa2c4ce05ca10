import { ArcError } from '@arc/core'
import { type CommandEntry, defineCommand, type Example } from './command.ts'
import { choiceOption } from './option-value.ts'

/** Commands under one word: `projectclone storage ls`. The word alone, or one that it does not know, is a usage error. */
export function commandGroup(group: {
  readonly summary: string
  readonly description: string
  readonly commands: Readonly<Record<string, CommandEntry>>
  readonly examples?: readonly Example[]
}): CommandEntry {
  const { summary, description, commands, examples = [] } = group
  const verbs = Object.keys(commands)
  return {
    summary,
    commands,
    load: async () =>
      defineCommand({
        summary,
        description,
        arguments: { command: choiceOption(verbs, 'one of the commands below', { placeholder: 'COMMAND' }) },
        examples,
        async run() {
          throw new ArcError('ARC_ARGUMENT_INVALID', 'COMMAND is missing', {
            hint: `Name one: ${verbs.join(', ')}.`,
          })
        },
      }),
  }
}
