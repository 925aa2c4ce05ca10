import { ArcError } from '@arc/core'
import { type AnyCommand, type CommandEntry, defineCommand, type Program } from './command.ts'
import { commandHelp, type HelpOptions, programHelp } from './help.ts'
import { printJson } from './json-output.ts'
import { choiceOption, textOption } from './option-value.ts'
import { createStyle } from './style.ts'

/** `create-dump help [COMMAND]`, and of a group also `help GROUP COMMAND`. */
export function helpCommand(program: Program): AnyCommand {
  return defineCommand({
    summary: 'Show the help of a command',
    arguments: {
      command: choiceOption(Object.keys(program.commands), 'the command; without it, the program', {
        placeholder: 'COMMAND',
      }),
      member: textOption('of a group of commands: one of them', { placeholder: 'MEMBER', complete: 'none' }),
    },
    async run({ arguments: { command: name, member }, host, common, color }) {
      const help = await helpOf(program, [name, member], {
        style: createStyle(color && !common.json),
        columns: host.stdout.columns,
      })
      if (common.json) printJson(host, { help })
      else host.stdout.write(help)
    },
  })
}

/** The help of a command, of a member of a group, or of the program. */
async function helpOf(
  program: Program,
  [name, member]: readonly [name: string | undefined, member: string | undefined],
  options: HelpOptions,
): Promise<string> {
  if (name === undefined) {
    const { defaultCommand } = program
    const entry = defaultCommand === undefined ? undefined : program.commands[defaultCommand]
    return programHelp(program, await entry?.load(), options)
  }
  // What is chosen from are the program's commands.
  const entry = program.commands[name] as CommandEntry
  if (member === undefined) return commandHelp(program, name, await entry.load(), options)
  return commandHelp(program, `${name} ${member}`, await memberOf(entry, name, member).load(), options)
}

function memberOf(group: CommandEntry, name: string, member: string): CommandEntry {
  const members = group.commands ?? {}
  const found = Object.hasOwn(members, member) ? members[member] : undefined
  if (found !== undefined) return found
  const names = Object.keys(members)
  throw new ArcError('ARC_ARGUMENT_INVALID', `${name} has no command ${member}`, {
    hint: names.length === 0 ? `Leave it out: ${name} is no group of commands.` : `Choose one of ${names.join(', ')}.`,
  })
}
