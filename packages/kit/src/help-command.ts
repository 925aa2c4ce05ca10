import { ArcError } from '@arc/core'
import { type AnyCommand, type CommandEntry, defineCommand, type Program } from './command.ts'
import { commandHelp, programHelp } from './help.ts'
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
    async run({ arguments: { command: name, member }, host, color }) {
      const options = { style: createStyle(color), columns: host.stdout.columns }
      if (name === undefined) {
        const entry = program.defaultCommand === undefined ? undefined : program.commands[program.defaultCommand]
        host.stdout.write(programHelp(program, await entry?.load(), options))
        return
      }
      const entry = program.commands[name]
      if (member === undefined) {
        const command = await entry?.load()
        if (command !== undefined) host.stdout.write(commandHelp(program, name, command, options))
        return
      }
      const command = await memberOf(entry, name, member).load()
      host.stdout.write(commandHelp(program, `${name} ${member}`, command, options))
    },
  })
}

function memberOf(group: CommandEntry | undefined, name: string, member: string): CommandEntry {
  const members = group?.commands ?? {}
  const found = Object.hasOwn(members, member) ? members[member] : undefined
  if (found !== undefined) return found
  const names = Object.keys(members)
  throw new ArcError('ARC_ARGUMENT_INVALID', `${name} has no command ${member}`, {
    hint: names.length === 0 ? `Leave it out: ${name} is no group of commands.` : `Choose one of ${names.join(', ')}.`,
  })
}
