import { type AnyCommand, defineCommand, type Program } from './command.ts'
import { commandHelp, programHelp } from './help.ts'
import { choiceOption } from './option-value.ts'
import { createStyle } from './style.ts'

/** `create-dump help [COMMAND]` */
export function helpCommand(program: Program): AnyCommand {
  return defineCommand({
    summary: 'Show the help of a command',
    arguments: {
      command: choiceOption(Object.keys(program.commands), 'the command; without it, the program', {
        placeholder: 'COMMAND',
      }),
    },
    async run({ arguments: { command: name }, host, color }) {
      const options = { style: createStyle(color), columns: host.stdout.columns }
      if (name === undefined) {
        const entry = program.defaultCommand === undefined ? undefined : program.commands[program.defaultCommand]
        host.stdout.write(programHelp(program, await entry?.load(), options))
        return
      }
      const command = await program.commands[name]?.load()
      if (command !== undefined) host.stdout.write(commandHelp(program, name, command, options))
    },
  })
}
